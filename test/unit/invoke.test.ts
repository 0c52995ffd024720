/** The invoker: arguments, errors, the log, methods that call methods, and `setUserId` (test/contract/ddp.md section 12). */
import { getEventListeners, once } from 'node:events';
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import { createInvoker } from '../../server/core/invoke.js';
import { ClientError, MatchError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, settings, type TestRoomkey } from '../support/roomkey.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

function contextual(name: string, run: (context: MethodContext) => unknown) {
	return method({ ...anyone, name, run: (_args, context) => run(context) });
}

describe('invoke', () => {
	let roomkey: TestRoomkey;
	/** Number of calls of `call-itself`. */
	let depth = 0;

	before(async () => {
		roomkey = await openRoomkey([
			method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
			method({ ...anyone, name: 'sum', args: { a: Number, b: Match.Optional(Number) }, run: ({ a, b = 1 }) => a + b }),
			method({ ...anyone, name: 'throw', args: { what: Match.Any }, run: ({ what }) => Promise.reject(what) }),
			// biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
			method({ ...anyone, name: 'thenable', run: () => ({ then: (done: (value: string) => void) => done('later') }) }),
			contextual('who', ({ name, userId, connection }) => ({ name, userId, connection })),
			contextual('call-who', (context) => context.call('who')),
			contextual('call-missing', (context) => context.call('missing')),
			contextual('setUserId-later', (context) => {
				context.unblock();
				return context.setUserId('alice');
			}),
			contextual('setUserId-wrong', (context) => context.setUserId(5 as unknown as string)),
			contextual('setUserId', (context) => context.setUserId('alice')),
			contextual('call-setUserId', async (context) => {
				await context.call('setUserId');
				return context.userId;
			}),
			contextual('call-setUserId-later', async (context) => {
				await context.call('setUserId-later');
				return context.userId;
			}),
			contextual('call-itself', async (context) => {
				depth++;
				await undefined;
				return context.call('call-itself');
			}),
			contextual('signal', ({ signal }) => signal.aborted),
			contextual('call-signal', (context) => context.call('signal')),
			contextual('call-echo', async (context) => {
				const sent = { inner: [1] };
				const back = (await context.call('echo', sent)) as typeof sent;
				return back.inner !== sent.inner && back;
			}),
		]);
	});
	after(() => roomkey.close());

	it('ends methods that call each other without end, and logs the reason once', async () => {
		roomkey.log.lines.length = 0;
		expect(await rejection(roomkey.call(null, 'call-itself'))).to.include({ error: 500 });
		expect(depth).to.equal(101);
		const text = "Methods call each other more than 100 deep; the last is 'call-itself'";
		expect(roomkey.log.lines).to.have.length(1);
		expect(roomkey.log.lines[0]?.facts).to.have.nested.property('err.message', text);
	});

	it('passes arguments by name and leaves absent ones undefined', async () => {
		expect(await roomkey.call(null, 'sum', 2, 3)).to.equal(5);
		expect(await roomkey.call(null, 'sum', 2)).to.equal(3);
	});

	it('accepts null in place of an optional argument, but not of a required one', async () => {
		expect(await roomkey.call(null, 'sum', 2, null)).to.equal(3);
		expect(await roomkey.call(null, 'echo', null)).to.equal(null);
		expect(await rejection(roomkey.call(null, 'sum', null, 2))).to.be.instanceOf(MatchError);
	});

	it('awaits a thenable that is no Promise', async () => {
		expect(await roomkey.call(null, 'thenable')).to.equal('later');
	});

	for (const name of ['missing', 'toString', '__proto__', 'hasOwnProperty', 'constructor', '']) {
		it(`answers 404 for the unknown method '${name}'`, async () => {
			expect(await rejection(roomkey.call(null, name))).to.include({
				error: 404,
				reason: `Method '${name}' not found`,
			});
		});
	}

	it('passes client-safe errors on, also those of other classes', async () => {
		const error = new ClientError('code', 'Reason', { d: 1 });
		expect(await rejection(roomkey.call(null, 'throw', error))).to.equal(error);
		const foreign = { isClientSafe: true, error: 'code', reason: 'Reason', stack: 'secret', message: 'own' };
		const seen = await rejection(roomkey.call(null, 'throw', foreign));
		expect(seen).to.be.instanceOf(ClientError).and.include({ error: 'code', message: 'Reason [code]' });
	});

	it('passes on the sanitizedError of an error, and logs the original', async () => {
		const carrier = Object.assign(new Error('inner'), { sanitizedError: new ClientError('shown') });
		const lines = roomkey.log.lines.length;
		expect(await rejection(roomkey.call(null, 'throw', carrier))).to.include({ error: 'shown' });
		expect(roomkey.log.lines.slice(lines)).to.have.length(1);
	});

	for (const [what, thrown] of [
		['an ordinary error', new Error('a secret')],
		['a string', 'a secret'],
		['a plain object', { error: 'code', reason: 'a secret' }],
		['undefined', undefined],
		['null', null],
		['false', false],
		['an error whose sanitizedError is not client-safe', Object.assign(new Error('x'), { sanitizedError: 'no' })],
	] as const) {
		it(`turns ${what} into 500 and logs it`, async () => {
			const lines = roomkey.log.lines.length;
			const error = await rejection(roomkey.call(null, 'throw', thrown));
			expect(error).to.be.instanceOf(ClientError).and.include({ error: 500, reason: 'Internal server error' });
			const [line] = roomkey.log.lines.slice(lines);
			expect(line).to.deep.include({ level: 'error', text: "Exception while invoking method 'throw'" });
			expect(line?.facts).to.include({ err: thrown });
		});
	}

	it('turns a thrown array of match errors into 500, and logs only their paths', async () => {
		const lines = roomkey.log.lines.length;
		const error = await rejection(roomkey.call(null, 'throw', [new MatchError('Expected 1, got "secret"', 'a.b')]));
		expect(error).to.be.instanceOf(ClientError).and.include({ error: 500 });
		expect(roomkey.log.lines.slice(lines)).to.deep.equal([
			{
				level: 'error',
				facts: { method: 'throw', errors: [{ path: 'a.b' }] },
				text: "Exception while invoking method 'throw'",
			},
		]);
	});

	it('logs at level debug which argument has a wrong type', async () => {
		const lines = roomkey.log.lines.length;
		await rejection(roomkey.call(null, 'sum', 1, 'two'));
		expect(roomkey.log.lines.slice(lines)).to.deep.equal([
			{
				level: 'debug',
				facts: { method: 'sum', argument: 'b', path: '' },
				text: 'A value does not match its pattern',
			},
		]);
	});

	it('does not log the value of a refused argument', async () => {
		const lines = roomkey.log.lines.length;
		await rejection(roomkey.call(null, 'sum', 'my password'));
		expect(JSON.stringify(roomkey.log.lines.slice(lines))).not.to.include('my password');
	});

	it('calls a method from a method as the same user, with copied values', async () => {
		const who = { name: 'who', userId: 'alice', connection: null };
		expect(await roomkey.callAs({ userId: 'alice' }, 'call-who')).to.deep.equal(who);
		expect(await roomkey.call(null, 'call-echo')).to.deep.equal({ inner: [1] });
	});

	it('passes on unchanged the error of a method that another method calls', async () => {
		expect(await rejection(roomkey.call(null, 'call-missing'))).to.include({ error: 404 });
	});

	it('changes the user of the calling method when a called method calls setUserId', async () => {
		const userIds: unknown[] = [];
		const setUserId = (id: string | null) => void userIds.push(id);
		expect(await roomkey.callAs({ setUserId }, 'call-setUserId')).to.equal('alice');
		expect(userIds).to.deep.equal(['alice']);
	});

	it('ignores unblock in a method that another method calls', async () => {
		const caller = { setUserId: () => {}, unblock: () => expect.fail('unblocked') };
		expect(await roomkey.callAs(caller, 'call-setUserId-later')).to.equal('alice');
	});

	for (const name of ['signal', 'call-signal']) {
		it(`listens to the signal of a connection only while a call lasts (${name})`, async () => {
			const { signal } = new AbortController();
			const call = roomkey.callAs({ signal }, name);
			expect(getEventListeners(signal, 'abort')).to.have.length(1);
			expect(await call).to.equal(false);
			expect(getEventListeners(signal, 'abort')).to.have.length(0);
		});
	}

	it('fires the signals of a method and of one that it calls when the client disconnects', async () => {
		const client = new AbortController();
		const waiting = await openRoomkey([
			contextual('wait', ({ signal }) => {
				setImmediate(() => client.abort());
				return once(signal, 'abort').then(() => 'aborted');
			}),
			contextual('call-wait', (context) => context.call('wait')),
		]);
		expect(await waiting.callAs({ signal: client.signal }, 'call-wait')).to.equal('aborted');
		expect(await roomkey.callAs({ signal: AbortSignal.abort() }, 'signal')).to.equal(true);
		await waiting.close();
	});

	for (const [name, text] of [
		['setUserId-later', "Can't call setUserId in a method after calling unblock"],
		['setUserId-wrong', 'setUserId must be called on string or null, not number'],
		['setUserId', "Can't call setUserId on a server initiated method call"],
	] as const) {
		it(`refuses ${name}: ${text}`, async () => {
			const setUserId = name === 'setUserId' ? undefined : () => {};
			const caller = setUserId ? { setUserId, unblock: () => {} } : {};
			expect(await rejection(roomkey.callAs(caller, name))).to.include({ error: 500 });
			expect(roomkey.log.lines.at(-1)?.facts).to.have.nested.property('err.message', text);
		});
	}

	it('refuses setUserId after the method has ended', async () => {
		let context: MethodContext | undefined;
		const careless = await openRoomkey([
			contextual('careless', (own) => {
				context = own;
			}),
		]);
		await careless.callAs({ setUserId: () => {} }, 'careless');
		expect(await rejection((context as MethodContext).setUserId('alice'))).to.have.property(
			'message',
			"Can't call setUserId in a method that has ended",
		);
		await careless.close();
	});

	it('pauses the timeout while setUserId waits for subscriptions (ddp.md 12)', async () => {
		let changed = () => {};
		const change = new Promise<void>((resolve) => {
			changed = resolve;
		});
		const slow = await openRoomkey([
			method({ ...anyone, name: 'log in', timeout: 1, run: (_args, context) => context.setUserId('alice') }),
			method({ ...anyone, name: 'never', timeout: 1, run: () => new Promise(() => {}) }),
		]);
		const login = slow.callAs({ setUserId: () => change }, 'log in');
		// Starts later, with the same timeout. If the timeout of the login were not paused, the login would time out first.
		expect(await rejection(slow.call(null, 'never'))).to.include({ error: 'error-timeout' });
		changed();
		expect(await login).to.equal(undefined);
		await slow.close();
	});

	it('refuses setUserId after the method has timed out', async () => {
		const late = await openRoomkey([
			method({
				...anyone,
				name: 'late',
				timeout: 1,
				async run(_args, context) {
					await once(context.signal, 'abort');
					change = context.setUserId('alice');
					await change;
				},
			}),
		]);
		let change: Promise<void> = Promise.resolve();
		const userIds: unknown[] = [];
		const setUserId = (id: string | null) => void userIds.push(id);
		expect(await rejection(late.callAs({ setUserId }, 'late'))).to.include({ error: 'error-timeout' });
		expect(await rejection(change)).to.have.property('message', "Can't call setUserId in a method that took too long");
		expect(userIds).to.deep.equal([]);
		await late.close();
	});

	it('refuses two methods with one name', () => {
		const log = memoryLog();
		const twin = method({ ...anyone, name: 'twin', run: () => {} });
		const services = { store: roomkey.store, bus: createBus(log), settings, log };
		expect(() => createInvoker([twin, twin], services)).to.throw("A method named 'twin' is already defined");
	});
});
