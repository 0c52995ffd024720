/** Publications over real sockets. The numbers in titles are sections of test/contract/ddp.md. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { LiveQuery, liveQuery, type PublicationContext, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { type Frame, RawClient } from '../support/ddp.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

type Run = (context: PublicationContext, params: readonly unknown[]) => unknown;

/** The publish functions by the name of the publication. Each test sets its own. */
const runs = new Map<string, Run>();
const names = ['a', 'b'];

/** The publish functions of two universal publications. */
let universal: Run = () => {};
let secondUniversal: Run = () => {};

const args = { one: Match.Any, two: Match.Any };
const publications = [
	...names.map((name) =>
		publication({
			...anyone,
			name,
			args,
			run: ({ one, two }, context) => runs.get(name)?.(context, [one, two]),
		}),
	),
	publication({ ...anyone, name: 'typed', args: { n: Number }, run: (_args, context) => context.ready() }),
	// The time limit is longer than any test.
	publication({
		...anyone,
		name: 'patient',
		timeout: 1_000_000,
		run: (_args, context) => runs.get('patient')?.(context, []),
	}),
	publication({ ...anyone, name: 'users only', anonymous: false, run: (_args, context) => context.ready() }),
	publication({ ...anyone, name: null, run: (_args, context) => universal(context, []) }),
	publication({ ...anyone, name: null, run: (_args, context) => secondUniversal(context, []) }),
];

function gate(): { opened: Promise<void>; open(): void } {
	let open = () => {};
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { opened, open };
}

let pending = gate();

const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({
		...anyone,
		name: 'setUser',
		changesUser: true,
		args: { id: Match.Any },
		async run({ id }, context) {
			await context.setUserId(id as string);
			return id;
		},
	}),
	method({
		...anyone,
		name: 'setUserBriefly',
		changesUser: true,
		timeout: 1,
		args: { ignoresChange: Match.Optional(Boolean) },
		async run({ ignoresChange }, context) {
			const changed = context.setUserId('bob');
			context.unblock();
			if (!ignoresChange) await changed;
		},
	}),
	method({ ...anyone, name: 'never', timeout: 1, run: () => new Promise(() => {}) }),
	method({
		...anyone,
		name: 'userAndConnection',
		run: (_args, { userId, connection }) => ({ userId, connection: connection?.id }),
	}),
	method({ ...anyone, name: 'userId', run: (_args, { userId }) => userId }),
	method({
		...anyone,
		name: 'setUserTwice',
		changesUser: true,
		run: (_args, context) => Promise.all([context.setUserId('first'), context.setUserId('second')]).then(() => {}),
	}),
	method({
		...anyone,
		name: 'setUserUnblocked',
		run: (_args, context) => {
			context.unblock();
			return context.setUserId('bob');
		},
	}),
	method({
		...anyone,
		name: 'write',
		args: { id: String, roles: Match.OneOf(null, [String]) },
		async run({ id, roles }, { store }) {
			if (roles === null) await store.permissions.deleteOne({ _id: id });
			else if ((await store.permissions.updateOne({ _id: id }, { $set: { roles } })).matchedCount === 0)
				await store.permissions.insertOne({ _id: id, roles });
			return 'written';
		},
	}),
	method({
		...anyone,
		name: 'cyclic details',
		run() {
			const details: { self?: unknown } = {};
			details.self = details;
			throw new ClientError('cyclic', 'x', details);
		},
	}),
];

const PERMISSIONS = 'rocketchat_permissions';
const withRole = (role: string, name?: string) =>
	liveQuery('permissions', { roles: role }, { roles: 1 }, name ? { name } : {});

describe('publications over DDP', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({
			methods,
			publications,
			strategies: { events: 'NO_MERGE_NO_HISTORY', ids: 'NO_MERGE_MULTI' },
		});
	});
	after(() => app.close());
	beforeEach(async () => {
		runs.clear();
		universal = () => {};
		secondUniversal = () => {};
		pending = gate();
		app.log.lines.length = 0;
		await app.store.permissions.deleteMany({});
	});

	const connect = () => clients.connect(app.webSocketUrl);

	/** Sets the publish function and subscribes. @returns the frames that follow */
	async function subscribe(run: Run, client?: RawClient, id = 's', name = 'a'): Promise<Frame[]> {
		runs.set(name, run);
		const subscriber = client ?? (await connect());
		subscriber.send({ msg: 'sub', id, name, params: [1, 2] });
		return subscriber.untilEcho();
	}

	const READY = { msg: 'ready', subs: ['s'] };
	const ADDED = { msg: 'added', collection: 'c', id: 'x', fields: { f: 1 } };
	const REMOVED = { msg: 'removed', collection: 'c', id: 'x' };
	const NOSUB = { msg: 'nosub', id: 's' };
	const INTERNAL = {
		isClientSafe: true,
		error: 500,
		reason: 'Internal server error',
		message: 'Internal server error [500]',
		errorType: 'Meteor.Error',
	};
	const addDocument: Run = (context) => context.added('c', 'x', { f: 1 });
	const addAndReady: Run = (context) => {
		addDocument(context, []);
		context.ready();
	};
	const errorLines = () => app.log.lines.filter(({ level }) => level === 'error').map(({ text }) => text);
	/** The messages of the logged errors. */
	const errors = () =>
		app.log.lines
			.filter(({ level }) => level === 'error')
			.map(({ facts }) => String((facts as { err?: Error }).err?.message ?? (facts as { err?: unknown }).err));

	describe('a server that receives sub and unsub (10)', () => {
		it('sends documents, then ready', async () => {
			expect(await subscribe(addAndReady)).to.deep.equal([ADDED, READY]);
		});

		it('answers an unknown name with nosub 404', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'toString' });
			expect(await client.next())
				.to.deep.include({ msg: 'nosub', id: 's' })
				.and.have.nested.property('error.error', 404);
		});

		it('ignores a sub with the id of an active subscription, whatever its name', async () => {
			const client = await connect();
			await subscribe(addAndReady, client);
			expect(await subscribe(addAndReady, client, 's', 'b')).to.deep.equal([]);
		});

		it('answers unsub with `removed` and nosub, and a second unsub with nosub', async () => {
			const client = await connect();
			await subscribe(addAndReady, client);
			client.send({ msg: 'unsub', id: 's' });
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([REMOVED, NOSUB, NOSUB]);
		});

		it('sends `changed` for a document that another subscription still publishes', async () => {
			const client = await connect();
			await subscribe(addAndReady, client);
			await subscribe((context) => context.added('c', 'x', { f: 2 }), client, 't', 'b');
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([{ ...ADDED, msg: 'changed', fields: { f: 2 } }, NOSUB]);
		});

		it('accepts the id of a subscription that has stopped', async () => {
			const client = await connect();
			await subscribe(addAndReady, client);
			client.send({ msg: 'unsub', id: 's' });
			await client.untilEcho();
			expect(await subscribe(addAndReady, client)).to.deep.equal([ADDED, READY]);
		});

		it('refuses invalid parameters', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'typed', params: ['1'] });
			expect(await client.next()).to.have.nested.property('error.reason', 'Match failed');
		});

		it('refuses a publication for users to a client that is not logged in', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'users only' });
			expect(await client.next()).to.have.nested.property('error.error', 'error-invalid-user');
		});

		it('delays later messages until the publish function has ended', async () => {
			const client = await connect();
			runs.set('a', () => pending.opened);
			runs.set('b', (context) => context.ready());
			client.send({ msg: 'sub', id: 's', name: 'a' });
			client.send({ msg: 'sub', id: 't', name: 'b' });
			client.send({ msg: 'ping' });
			expect(await client.next()).to.deep.equal({ msg: 'pong' });
			pending.open();
			expect(await client.next()).to.deep.equal({ msg: 'ready', subs: ['t'] });
		});

		it('lets the next message start after unblock', async () => {
			const run: Run = async (context) => {
				context.unblock();
				context.unblock();
				await pending.opened;
				context.ready();
			};
			const client = await connect();
			expect(await subscribe(run, client)).to.deep.equal([]);
			pending.open();
			expect(await client.next()).to.deep.equal(READY);
		});
	});

	describe('a publish function (10)', () => {
		const cases: [string, Run, object[], error?: string][] = [
			[
				'sends ready once if it calls ready twice',
				(context) => {
					context.ready();
					context.ready();
				},
				[READY],
			],
			['sends ready for a live query without documents', () => withRole('none'), [READY]],
			['sends ready if it returns an empty array', () => [], [READY]],
			['sends nothing if it returns nothing', () => undefined, []],
			['sends nothing if it returns false', () => false, []],
			[
				'ends with 500 if it returns an array of numbers',
				() => [5],
				[{ ...NOSUB, error: INTERNAL }],
				'Publish function returned an array of something else than live queries',
			],
			[
				'ends with 500 if it returns two live queries of one collection',
				() => [withRole('r'), withRole('q')],
				[{ ...NOSUB, error: INTERNAL }],
				`Publish function returned multiple live queries for collection ${PERMISSIONS}`,
			],
			[
				'ends with 500 if it returns another object than a live query',
				() => ({}),
				[{ ...NOSUB, error: INTERNAL }],
				'Publish function can only return what liveQuery() makes, or an array of that',
			],
			[
				'removes its documents and ends with 500 if it throws',
				(context) => {
					addDocument(context, []);
					throw new Error('a secret');
				},
				[ADDED, REMOVED, { ...NOSUB, error: INTERNAL }],
				'a secret',
			],
			['ends with 500 if it rejects with undefined', () => Promise.reject(), [{ ...NOSUB, error: INTERNAL }], 'undefined'],
			[
				'removes its documents and ends with an error by error(e)',
				(context) => {
					addDocument(context, []);
					context.error(new ClientError('nope', 'NOPE'));
				},
				[
					ADDED,
					REMOVED,
					{
						...NOSUB,
						error: {
							isClientSafe: true,
							error: 'nope',
							reason: 'NOPE',
							message: 'NOPE [nope]',
							errorType: 'Meteor.Error',
						},
					},
				],
			],
			[
				'removes its documents and ends without an error by error()',
				(context) => {
					addDocument(context, []);
					context.error();
				},
				[ADDED, REMOVED, NOSUB],
			],
			[
				'removes its documents and ends by stop()',
				(context) => {
					addAndReady(context, []);
					context.stop();
				},
				[ADDED, READY, REMOVED, NOSUB],
			],
			[
				'has no effect after stop()',
				(context) => {
					context.stop();
					addAndReady(context, []);
					context.changed('c', 'x', {});
					context.removed('c', 'x');
					context.error(new Error('unheard'));
					context.stop();
					return withRole('none');
				},
				[NOSUB],
			],
			[
				'ends with 500 if it changes a missing document',
				(context) => context.changed('c', 'x', {}),
				[{ ...NOSUB, error: INTERNAL }],
				'Could not find element with id x to change',
			],
			[
				'ends with 500 if it removes a missing document',
				(context) => context.removed('c', 'x'),
				[{ ...NOSUB, error: INTERNAL }],
				'Removed nonexistent document x',
			],
			[
				'ends with 500 if it adds a document whose id is an object',
				(context) => context.added('c', {}, {}),
				[{ ...NOSUB, error: INTERNAL }],
				'Meteor does not currently support objects other than ObjectID as ids',
			],
		];
		for (const [title, run, frames, error] of cases) {
			it(title, async () => {
				expect(await subscribe(run)).to.deep.equal(frames);
				expect(errors()).to.deep.equal(error === undefined ? [] : [error]);
				if (error) expect(errorLines()).to.deep.equal(['Exception from sub a id s']);
			});
		}

		it('ends with 500 if it adds a document that cannot be encoded', async () => {
			expect(await subscribe((context) => context.added('c', 'x', { big: 10n }))).to.deep.equal([
				{ ...NOSUB, error: INTERNAL },
			]);
		});

		for (const fields of [undefined, null, 'text', ['list'], new Date(0), new Uint8Array(1)]) {
			const type = String(fields === null || fields === undefined ? fields : fields.constructor.name);
			it(`ends with 500 if it publishes ${type} instead of fields`, async () => {
				const refused = { ...NOSUB, error: INTERNAL };
				expect(await subscribe((context) => context.added('c', 'x', fields as never))).to.deep.equal([refused]);
				const frames = await subscribe((context) => {
					addDocument(context, []);
					context.changed('c', 'x', fields as never);
				});
				expect(frames).to.deep.equal([ADDED, REMOVED, refused]);
				expect(errors()[0]).to.match(/^The fields of a document must be an object, not /);
			});
		}

		it('may publish an instance of a class, as an object', async () => {
			class Point {
				f = 1;
			}
			expect(await subscribe((context) => context.added('c', 'x', new Point() as never))).to.deep.equal([ADDED]);
		});

		it('ends with 500 for an unencodable value of a field that the client has', async () => {
			const client = await connect();
			await subscribe(addAndReady, client);
			expect(await subscribe((context) => context.added('c', 'x', { f: 10n }), client, 't', 'b')).to.deep.equal([
				{ msg: 'nosub', id: 't', error: INTERNAL },
			]);
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([REMOVED, NOSUB]);
		});

		it('ends with 500 for an error with unencodable details, as a method does', async () => {
			const details = { big: 10n };
			const frames = await subscribe((context) => context.error(new ClientError('big', 'x', details)));
			expect(frames).to.deep.equal([{ ...NOSUB, error: INTERNAL }]);
			const client = await connect();
			expect(await client.call('cyclic details')).to.deep.include({ error: INTERNAL });
		});

		it('calls methods as its user, and ends with 500 if a method fails (6)', async () => {
			const seen: unknown[] = [];
			const client = await connect();
			await subscribe(async (context) => {
				seen.push(await context.call('userAndConnection'));
				if (context.userId) await context.call('setUser', 'eve');
			}, client);
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			expect(await client.take(2)).to.deep.equal([
				{ ...NOSUB, error: INTERNAL },
				{ msg: 'updated', methods: ['1'] },
			]);
			expect(seen).to.deep.equal([
				{ userId: null, connection: client.session },
				{ userId: 'bob', connection: client.session },
			]);
			expect(errors()).to.include("Can't call setUserId on a server initiated method call");
		});

		it('has its onStop listeners called at a stop, or at once after it', async () => {
			const received: string[] = [];
			await subscribe((context) => {
				context.onStop(() => void received.push('stopped'));
				context.stop();
				context.onStop(() => void received.push('at once'));
				received.push('end');
			});
			expect(received).to.deep.equal(['stopped', 'at once', 'end']);
		});

		it('does not count as unanswered after the end of its subscription', async () => {
			const client = await connect();
			runs.set('patient', (context) => {
				context.unblock();
				return new Promise(() => {});
			});
			// More requests than may be unanswered.
			const ids = Array.from({ length: 150 }, (_, i) => `s${i}`);
			for (const id of ids) {
				client.send({ msg: 'sub', id, name: 'patient' });
				client.send({ msg: 'unsub', id });
			}
			expect(await client.untilEcho()).to.deep.equal(ids.map((id) => ({ msg: 'nosub', id })));
		});

		for (const [what, run] of [
			['never ends', () => new Promise(() => {})],
			['never calls ready', () => {}],
		] as const) {
			it(`does not keep an ended subscription in memory, if it ${what}`, async () => {
				setFlagsFromString('--expose-gc');
				const collectGarbage = runInNewContext('gc') as () => void;
				const client = await connect();
				let ended: WeakRef<PublicationContext> | undefined;
				runs.set('patient', (context) => {
					context.unblock();
					ended = new WeakRef(context);
					return run();
				});
				client.send({ msg: 'sub', id: 's', name: 'patient' });
				await client.untilEcho();
				client.send({ msg: 'unsub', id: 's' });
				expect(await client.untilEcho()).to.deep.equal([NOSUB]);
				while (ended?.deref()) {
					await nextTurn();
					collectGarbage();
				}
			});
		}

		it('has its onStop listeners called when the client disconnects', async () => {
			const client = await connect();
			await subscribe((context) => context.onStop(pending.open), client);
			client.socket.terminate();
			await pending.opened;
		});

		it('has its other onStop listeners called if one throws or rejects', async () => {
			const frames = await subscribe((context) => {
				context.onStop(() => {
					throw new Error('thrown');
				});
				context.onStop(() => Promise.reject(new Error('rejected')));
				context.stop();
			});
			expect(frames).to.deep.equal([NOSUB]);
			expect(errors()).to.deep.equal(['thrown', 'rejected']);
		});

		for (const returned of [true, 0, 'x', {}, setTimeout]) {
			it(`may have an onStop listener that returns a value, which is ignored: ${typeof returned}`, async () => {
				const frames = await subscribe((context) => {
					context.onStop(() => returned as unknown as undefined);
					context.stop();
				});
				expect(frames).to.deep.equal([NOSUB]);
				expect(errors()).to.deep.equal([]);
			});
		}

		it('has a signal that fires when the subscription stops', async () => {
			let signal: AbortSignal | undefined;
			await subscribe((context) => {
				signal = context.signal;
				expect(signal.aborted).to.equal(false);
				context.stop();
			});
			expect(signal?.aborted).to.equal(true);
		});

		it('may change an object that it has published, and publish it again', async () => {
			const client = await connect();
			const shown = { list: [1] };
			const change = gate();
			await subscribe((context) => {
				context.added('c', 'x', shown);
				void change.opened.then(() => {
					shown.list.push(2);
					context.changed('c', 'x', shown);
					pending.open();
				});
			}, client);
			change.open();
			await pending.opened;
			expect(await client.next()).to.deep.equal({ ...ADDED, msg: 'changed', fields: { list: [1, 2] } });
		});
	});

	describe('universal publications (10)', () => {
		const document = { msg: 'added', collection: 'u', id: 'x', fields: { user: null } };

		it('come right after connected, without ready', async () => {
			universal = (context) => {
				context.added('u', 'x', { user: context.userId });
				context.ready();
			};
			expect(await (await connect()).untilEcho()).to.deep.equal([document]);
		});

		it('send an error in a nosub without id', async () => {
			universal = () => Promise.reject(new ClientError('nope'));
			const [frame] = await (await connect()).take(1);
			expect(frame).to.include({ msg: 'nosub' }).and.not.have.property('id');
			expect(frame).to.have.nested.property('error.error', 'nope');
		});

		it('are awaited when the user changes, and keep their documents (19)', async () => {
			universal = async (context) => {
				await new Promise(setImmediate);
				context.added('u', 'x', { user: context.userId });
			};
			const client = await connect();
			expect(await client.next()).to.deep.equal(document);
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			expect(await client.take(2)).to.deep.equal([
				{ ...document, msg: 'changed', fields: { user: 'bob' } },
				{ msg: 'updated', methods: ['1'] },
			]);
		});

		it('do not start on a connection that an earlier universal publication has closed', async () => {
			let started = false;
			universal = (context) => context.connection?.close();
			secondUniversal = () => {
				started = true;
			};
			const client = await connect();
			await client.closed;
			expect(started).to.equal(false);
		});
	});

	describe('a change of the user (12)', () => {
		it('runs all publish functions again, for the same user too, with the same parameters', async () => {
			const seen: unknown[] = [];
			const client = await connect();
			await subscribe((context, params) => {
				seen.push([context.userId, ...structuredClone(params)]);
				(params[0] as { list: number[] }).list?.push(1);
				context.ready();
			}, client);
			client.send({ msg: 'unsub', id: 's' });
			client.send({ msg: 'sub', id: 's', name: 'a', params: [{ list: [] }] });
			await client.call('setUser', 'bob');
			await client.call('setUser', 'bob');
			const again = ['bob', { list: [] }, undefined];
			expect(seen.slice(1)).to.deep.equal([[null, { list: [] }, undefined], again, again]);
		});

		it('ends the old runs first, then starts the new ones', async () => {
			const received: string[] = [];
			const client = await connect();
			await subscribe((context) => {
				received.push(`start ${context.userId}`);
				context.onStop(() => void received.push(`stop ${context.userId}`));
			}, client);
			await client.call('setUser', 'bob');
			expect(received).to.deep.equal(['start null', 'stop null', 'start bob']);
		});

		it('sends nothing that an old run still publishes', async () => {
			const client = await connect();
			await subscribe(async (context) => {
				context.unblock();
				if (context.userId) return;
				await pending.opened;
				addAndReady(context, []);
			}, client);
			await client.call('setUser', 'bob');
			pending.open();
			expect(await client.untilEcho()).to.deep.equal([]);
		});

		it('sends no ready for a subscription that stops in its new run', async () => {
			const client = await connect();
			await subscribe((context) => {
				context.ready();
				if (context.userId) context.stop();
			}, client);
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			expect(await client.take(2)).to.deep.equal([NOSUB, { msg: 'updated', methods: ['1'] }]);
		});

		it('waits for the change before it, and sends no document twice', async () => {
			const client = await connect();
			await subscribe(async (context) => {
				await new Promise(setImmediate);
				context.added('c', 'x', { user: context.userId });
				context.ready();
			}, client);
			client.send({ msg: 'method', id: '1', method: 'setUserTwice' });
			expect(await client.take(5)).to.deep.equal([
				{ ...ADDED, msg: 'changed', fields: { user: 'first' } },
				READY,
				{ ...ADDED, msg: 'changed', fields: { user: 'second' } },
				READY,
				{ msg: 'updated', methods: ['1'] },
			]);
		});

		for (const ignoresChange of [false, true]) {
			const method = ignoresChange ? 'does not wait for it' : 'has exceeded its time limit';
			it(`ends before a later message starts, even if its method ${method}`, async () => {
				const [client, other] = [await connect(), await connect()];
				const rerun = gate();
				await subscribe(async (context) => {
					if (context.userId) {
						rerun.open();
						await pending.opened;
					}
					context.ready();
				}, client);
				client.send({ msg: 'method', id: '1', method: 'setUserBriefly', params: [ignoresChange] });
				client.send({ msg: 'method', id: '2', method: 'userId' });
				await rerun.opened;
				// `never` has the same time limit as `setUserBriefly`, and began later.
				expect((await other.call('never')).error).to.include({ error: 'error-timeout' });
				client.send({ msg: 'ping' });
				expect(await client.next()).to.deep.equal({ msg: 'pong' });
				pending.open();
				const frames = await client.take(5);
				expect(frames[0]).to.deep.equal(READY);
				expect(frames.slice(1)).to.have.deep.members([
					{ msg: 'updated', methods: ['1'] },
					{ msg: 'result', id: '1' },
					{ msg: 'updated', methods: ['2'] },
					{ msg: 'result', id: '2', result: 'bob' },
				]);
			});
		}

		for (const id of [5, undefined, {}]) {
			it(`refuses ${JSON.stringify(id)} as a user id`, async () => {
				const client = await connect();
				expect(await client.call('setUser', ...(id === undefined ? [] : [id]))).to.have.nested.property(
					'error.error',
					500,
				);
				expect(errors()).to.deep.equal([`setUserId must be called on string or null, not ${typeof id}`]);
			});
		}

		it('is refused after unblock', async () => {
			const client = await connect();
			expect(await client.call('setUserUnblocked')).to.have.nested.property('error.error', 500);
			expect(errors()).to.deep.equal(["Can't call setUserId in a method after calling unblock"]);
		});

		for (const [what, closes] of [
			['the end of a run', (context: PublicationContext) => context.onStop(() => context.connection?.close())],
			['a new run', (context: PublicationContext) => void (context.userId && context.connection?.close())],
		] as const) {
			it(`starts no further run after ${what} has closed the connection`, async () => {
				let running = 0;
				const count: Run = (context) => {
					running++;
					context.onStop(() => void running--);
				};
				universal = count;
				const client = await connect();
				await subscribe(closes, client, 's', 'a');
				await subscribe(count, client, 't', 'b');
				client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
				await client.closed;
				// When another connection has been served, the change has ended.
				await (await connect()).close();
				universal = () => {};
				expect(running).to.equal(0);
			});
		}

		it('takes effect before the messages that were sent after it', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			runs.set('a', (context) => context.added('c', 'x', { user: context.userId }));
			client.send({ msg: 'sub', id: 's', name: 'a' });
			const frames = await client.take(3);
			expect(frames[2]).to.deep.equal({ ...ADDED, fields: { user: 'bob' } });
		});
	});

	describe('the publication strategy (11)', () => {
		it('NO_MERGE_NO_HISTORY removes no document when a subscription stops', async () => {
			const frames = await subscribe((context) => {
				context.changed('events', 'id', { e: 1 });
				context.added('events', 'id', {});
				context.stop();
			});
			expect(frames.map(({ msg }) => msg)).to.deep.equal(['changed', 'added', 'nosub']);
		});

		it('NO_MERGE_MULTI remembers only ids', async () => {
			const client = await connect();
			const run: Run = (context) => context.added('ids', 'x', { f: 1 });
			expect(await subscribe(run, client)).to.deep.equal([{ ...ADDED, collection: 'ids' }]);
			expect(await subscribe(run, client, 't', 'b')).to.deep.equal([{ ...ADDED, msg: 'changed', collection: 'ids' }]);
		});
	});

	describe('live queries (7)', () => {
		const added = (id: string, ...roles: string[]) => ({
			msg: 'added',
			collection: PERMISSIONS,
			id,
			fields: { roles },
		});

		async function write(client: RawClient, id: string, roles: string[] | null): Promise<Frame[]> {
			client.send({ msg: 'method', id: 'w', method: 'write', params: [id, roles] });
			const frames: Frame[] = [];
			while (frames.at(-1)?.msg !== 'updated') frames.push(await client.next());
			return frames;
		}
		const RESULT = { msg: 'result', id: 'w', result: 'written' };
		const UPDATED = { msg: 'updated', methods: ['w'] };

		it('publish each change between `result` and `updated` of its method', async () => {
			const client = await connect();
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
			expect(await subscribe(() => withRole('r'), client)).to.deep.equal([added('p', 'r'), READY]);
			const document = { msg: 'changed', collection: PERMISSIONS, id: 'p' };
			expect(await write(client, 'q', ['r'])).to.deep.equal([RESULT, added('q', 'r'), UPDATED]);
			expect(await write(client, 'p', ['r', 's'])).to.deep.equal([
				RESULT,
				{ ...document, fields: { roles: ['r', 's'] } },
				UPDATED,
			]);
			expect(await write(client, 'p', ['s'])).to.deep.equal([RESULT, { ...document, msg: 'removed' }, UPDATED]);
			expect(await write(client, 'q', null)).to.deep.equal([RESULT, { ...document, msg: 'removed', id: 'q' }, UPDATED]);
		});

		it('publish what other clients write', async () => {
			const [reader, writer] = [await connect(), await connect()];
			await subscribe(() => withRole('r'), reader);
			await write(writer, 'p', ['r']);
			expect(await reader.next()).to.deep.equal(added('p', 'r'));
		});

		it('publish nothing after they have stopped', async () => {
			const client = await connect();
			await subscribe(() => withRole('r'), client);
			client.send({ msg: 'unsub', id: 's' });
			expect(await write(client, 'p', ['r'])).to.deep.equal([NOSUB, RESULT, UPDATED]);
		});

		it('can be several of one collection in one publication, under different names', async () => {
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r', 'q'] });
			const frames = await subscribe(() => [withRole('r'), withRole('q', 'mine')]);
			expect(frames.map(({ msg, collection }) => collection ?? msg)).to.have.members([PERMISSIONS, 'mine', 'ready']);
			expect(frames.at(-1)).to.deep.equal(READY);
		});

		it('stop together if one is refused, without an effect on other clients', async () => {
			const [refused, reader] = [await connect(), await connect()];
			const [nosub] = await subscribe(() => [withRole('r'), liveQuery('rooms', { t: undefined }, { t: 1 })], refused);
			expect(nosub).to.deep.include({ msg: 'nosub', id: 's' });
			await subscribe(() => withRole('r'), reader);
			await write(reader, 'p', ['r']);
			const changed = { msg: 'changed', collection: PERMISSIONS, id: 'p', fields: { roles: ['r', 's'] } };
			expect(await write(reader, 'p', ['r', 's'])).to.deep.equal([RESULT, changed, UPDATED]);
			expect(await refused.untilEcho()).to.deep.equal([]);
		});

		it('end only for the client to which a change cannot be published', async () => {
			const [failing, reader] = [await connect(), await connect()];
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
			let context: PublicationContext | undefined;
			await subscribe((runContext) => {
				context = runContext;
				return withRole('r');
			}, failing);
			await subscribe(() => withRole('r'), reader);
			// The text of this EJSON value is the id of the document, so the client loses the document. The live query does not
			// notice, and its next `changed` fails.
			context?.removed(PERMISSIONS, { typeName: () => 'id', toJSONValue: () => 'p' });
			const changed = { msg: 'changed', collection: PERMISSIONS, id: 'p', fields: { roles: ['r', 's'] } };
			expect(await write(reader, 'p', ['r', 's'])).to.deep.equal([RESULT, changed, UPDATED]);
			expect(await write(reader, 'p', ['r'])).to.deep.equal([
				RESULT,
				{ ...changed, fields: { roles: ['r'] } },
				UPDATED,
			]);
			expect((await failing.take(2)).map(({ msg }) => msg)).to.deep.equal(['removed', 'nosub']);
		});

		it('keep their filter and fields, even if these objects change later', async () => {
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
			await app.store.permissions.insertOne({ _id: 'secret', roles: ['s'] });
			const frames = await subscribe(async () => {
				const roles = { $in: ['r'] };
				const fields: { roles?: 1; _updatedAt?: 1 } = { roles: 1 };
				const query = liveQuery('permissions', { $and: [{ roles }] }, fields);
				await undefined;
				roles.$in[0] = 's';
				fields._updatedAt = 1;
				return query;
			});
			expect(frames).to.deep.equal([added('p', 'r'), READY]);
		});

		it('share a document with the publish function, and remove it once', async () => {
			const client = await connect();
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
			await subscribe((context) => {
				context.added(PERMISSIONS, 'p', { roles: ['r'] });
				return withRole('r');
			}, client);
			client.send({ msg: 'unsub', id: 's' });
			const removed = { msg: 'removed', collection: PERMISSIONS, id: 'p' };
			expect(await client.untilEcho()).to.deep.equal([removed, NOSUB]);
		});

		it('publish a document again if it changes after the publish function removed it', async () => {
			const client = await connect();
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
			let context: PublicationContext | undefined;
			await subscribe((runContext) => {
				context = runContext;
				return withRole('r');
			}, client);
			context?.removed(PERMISSIONS, 'p');
			const removed = { msg: 'removed', collection: PERMISSIONS, id: 'p' };
			expect(await client.next()).to.deep.equal(removed);
			expect(await write(client, 'p', ['r', 's'])).to.deep.equal([RESULT, added('p', 'r', 's'), UPDATED]);
			context?.removed(PERMISSIONS, 'p');
			expect(await client.next()).to.deep.equal(removed);
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([NOSUB]);
		});

		it('send many documents in slices between other messages, and stop after an unsub', async () => {
			const count = 1000;
			for (let i = 0; i < count; i++) await app.store.permissions.insertOne({ _id: `p${i}`, roles: ['r'] });
			const all = await subscribe(() => withRole('r'));
			expect(new Set(all.filter(({ msg }) => msg === 'added').map(({ id }) => id)).size).to.equal(count);
			const client = await connect();
			runs.set('a', (context) => {
				context.unblock();
				return withRole('r');
			});
			client.send({ msg: 'sub', id: 's', name: 'a' });
			client.send({ msg: 'unsub', id: 's' });
			const frames = await client.untilEcho();
			const countOf = (msg: string) => frames.filter((frame) => frame.msg === msg).length;
			expect(countOf('added')).to.equal(countOf('removed')).and.be.below(count);
			expect(frames.at(-1)).to.deep.equal(NOSUB);
		});

		describe('that cannot read what was written', () => {
			let readsFail: boolean;
			let other: TestApp;
			let client: RawClient;

			beforeEach(async () => {
				readsFail = false;
				const { permissions } = app.store;
				const find = (...asked: Parameters<typeof permissions.find>) => {
					if (readsFail) throw new Error('no primary');
					return permissions.find(...asked);
				};
				other = await startApp({
					methods,
					publications,
					store: { ...app.store, permissions: { ...permissions, find } },
					onChange: app.onChange,
				});
				client = await RawClient.connect(other.webSocketUrl);
			});
			afterEach(async () => {
				await client.close();
				await other.close();
			});

			it('end with an error before the `updated` of the method', async () => {
				await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
				await subscribe(() => withRole('r'), client);
				readsFail = true;
				const frames = await write(client, 'q', ['r']);
				expect(frames).to.deep.equal([
					RESULT,
					{ msg: 'removed', collection: PERMISSIONS, id: 'p' },
					{ ...NOSUB, error: INTERNAL },
					UPDATED,
				]);
				expect(other.log.lines.map(({ text }) => text)).to.include('Exception from sub a id s');
			});

			it('remove 5,000 documents before the `updated` of the method', async () => {
				const count = 5000;
				for (let i = 0; i < count; i++) await app.store.permissions.insertOne({ _id: `p${i}`, roles: ['r'] });
				await subscribe(() => withRole('r'), client);
				readsFail = true;
				const frames = await write(client, 'q', ['r']);
				expect(frames.filter(({ msg }) => msg === 'removed')).to.have.length(count);
				expect(frames.slice(-2)).to.deep.equal([{ ...NOSUB, error: INTERNAL }, UPDATED]);
			});
		});

		it('do not delay `updated` for others if a client reads nothing', async () => {
			const roles = ['r', '-'.repeat(60_000)];
			for (let i = 0; i < 300; i++) await app.store.permissions.insertOne({ _id: `p${i}`, roles });
			const [reader, writer] = [await connect(), await connect()];
			reader.socket.pause();
			runs.set('a', () => {
				pending.open();
				return withRole('r');
			});
			reader.send({ msg: 'sub', id: 's', name: 'a' });
			await pending.opened;
			expect(await writer.call('write', 'p0', ['s'])).to.have.property('result', 'written');
			reader.socket.resume();
			const shownIds = new Set<unknown>();
			for (const { msg, id } of await reader.untilEcho()) {
				if (msg === 'added') shownIds.add(id);
				if (msg === 'removed') shownIds.delete(id);
			}
			expect(shownIds.size).to.equal(299);
			expect(shownIds.has('p0')).to.equal(false);
		});
	});

	it('a live query names its collection as the database does', () => {
		expect(withRole('r')).to.be.instanceOf(LiveQuery).and.include({ name: PERMISSIONS });
	});
});
