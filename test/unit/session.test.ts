/** A session without a network and with a fake clock. Numbers in titles are sections of test/contract/ddp.md. */
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import type { Caller } from '../../server/core/caller.js';
import type { Invoker } from '../../server/core/invoke.js';
import { Heartbeats } from '../../server/ddp/heartbeat.js';
import { Session } from '../../server/ddp/session.js';
import { closeExpired } from '../../server/ddp/token-expiry.js';
import { type Method, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';
import { FakeTransport } from '../support/transport.js';

describe('a session', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
	afterEach(() => mock.timers.reset());

	const noMethods: Invoker = { get: () => undefined, invoke: () => Promise.reject(new Error('no methods here')) };

	function open(interval = 15_000, invoker = noMethods) {
		const transport = new FakeTransport();
		const log = memoryLog();
		const publications = { named: new Map(), universal: [], strategyOf: () => 'SERVER_MERGE' as const };
		const services = {
			store: {} as Store,
			bus: createBus(log),
			settings,
			log,
			invoker,
			publications,
			onConnection() {},
			heartbeats: new Heartbeats({ interval, timeout: 15_000 }),
		};
		const session = new Session(
			transport,
			services,
			{
				connectTimeout: 45_000,
				maxAnonymousFrame: 65_536,
				maxQueue: 10,
				maxSubscriptions: 10,
				maxSubscriptionBytes: 16_384,
			},
			() => {},
		);
		// Closes the session when its login token expires.
		closeExpired([session]);
		return { transport, session };
	}

	function connect(version = '1', interval?: number, invoker?: Invoker) {
		const opened = open(interval, invoker);
		opened.session.receive(JSON.stringify({ msg: 'connect', version, support: [version] }));
		opened.transport.sent.length = 0;
		return opened;
	}

	const PING = '{"msg":"ping"}';

	it('sends nothing before the client does, and closes after 45 s without connect', () => {
		const { transport } = open();
		mock.timers.tick(44_999);
		expect(transport).to.deep.include({ sent: [], closed: false });
		mock.timers.tick(1);
		expect(transport).to.deep.include({ sent: [], closed: true });
	});

	it('does not close a client while a long message is sent to it', () => {
		const { transport } = connect();
		transport.isSendingParts = true;
		mock.timers.tick(60_000);
		expect(transport.closed).to.equal(false);
		transport.isSendingParts = false;
		mock.timers.tick(60_000);
		expect(transport.closed).to.equal(true);
	});

	it('sends large answers one after another, and refuses more than sixteen', async () => {
		const large = 'x'.repeat(100_000);
		const invoker = {
			get: (name: string) => method({ name, args: {}, summary: 'for a test', parallel: true, run: () => large }),
			invoke: async () => large,
		} satisfies Invoker;
		const { transport, session } = connect('1', undefined, invoker);
		const results = () => transport.sent.map((text) => JSON.parse(text)).filter(({ msg }) => msg === 'result');
		/** Waits for this many results, at most 100 turns, and returns their number. */
		const waitForResults = async (count: number) => {
			for (let turns = 0; turns < 100 && results().length < count; turns++) await nextTurn();
			return results().length;
		};
		let read = () => {};
		/** Fills the buffer of the transport until `read`. */
		const fill = () => {
			transport.drained = new Promise<void>((resolve) => {
				read = () => {
					transport.drained = undefined;
					resolve();
				};
			});
		};
		fill();
		const sendParts = transport.sendParts.bind(transport);
		transport.sendParts = (parts) => {
			sendParts(parts);
			fill();
		};
		for (let i = 0; i < 18; i++) session.receive(JSON.stringify({ msg: 'method', id: String(i), method: 'm' }));
		expect(await waitForResults(3)).to.equal(2);
		for (const { error } of results()) expect(error).to.include({ error: 'too-many-requests' });
		for (let count = 3; count <= 18; count++) {
			read();
			expect(await waitForResults(count + 1)).to.equal(count);
		}
		expect(results().filter(({ result }) => result === large)).to.have.length(16);
	});

	it('does not close an idle client that has connected in time', () => {
		const { transport, session } = connect();
		for (let i = 0; i < 20; i++) {
			mock.timers.tick(10_000);
			session.receive('{"msg":"pong"}');
		}
		expect(transport.closed).to.equal(false);
	});

	it('pings at the end of each interval in which it has received nothing', () => {
		const { transport, session } = connect();
		session.receive('{"msg":"pong"}');
		mock.timers.tick(15_000);
		expect(transport.sent).to.deep.equal([]);
		mock.timers.tick(15_000);
		expect(transport.sent).to.deep.equal([PING]);
	});

	it('closes if nothing arrives for 15 s after a ping', () => {
		const { transport } = connect();
		mock.timers.tick(15_000);
		expect(transport.sent).to.deep.equal([PING]);
		mock.timers.tick(14_999);
		expect(transport.closed).to.equal(false);
		mock.timers.tick(1);
		expect(transport).to.deep.include({ sent: [PING], closed: true });
	});

	it('treats any message, even a malformed one, as a sign of life', () => {
		const { transport, session } = connect();
		mock.timers.tick(15_000);
		session.receive('{bad');
		mock.timers.tick(15_000);
		expect(transport.closed).to.equal(false);
	});

	it('closes when idle for 45 s if it sends no pings (1.2)', () => {
		for (const { transport } of [connect('pre1'), connect('1', 0)]) {
			mock.timers.tick(120_000);
			expect(transport).to.deep.include({ sent: [], closed: false, idleTime: 45_000 });
			transport.becomeIdle();
			expect(transport.closed).to.equal(true);
		}
		expect(connect().transport.idleTime).to.equal(undefined);
	});

	describe('a session whose login token expires', () => {
		const DAY = 24 * 60 * 60 * 1000;

		/**
		 * Opens a session that is logged in with a token that expires after `days`. Each later `call` logs in with a token
		 * for the next number of days in `later`, or logs out if none is left.
		 */
		async function loggedIn(days: number, ...later: number[]) {
			const ends = [days, ...later];
			const invoke = async (_name: string, _params: readonly unknown[], caller: Caller) => {
				const next = ends.shift();
				if (next) await caller.setUserId?.('alice', 'hash', new Date(Date.now() + next * DAY));
				else await caller.setUserId?.(null, null);
			};
			const opened = connect('1', 0, { get: () => ({}) as Method, invoke });
			await call(opened);
			return opened;
		}

		async function call({ session, transport }: ReturnType<typeof open>) {
			// The answers are `result` and `updated`.
			const answers = transport.sent.length + 2;
			session.receive('{"msg":"method","id":"1","method":"login","params":[]}');
			while (transport.sent.length < answers) await Promise.resolve();
		}

		beforeEach(() => {
			mock.timers.reset();
			mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
		});

		// 90 days are longer than the maximum delay of a timer.
		for (const days of [90, 1]) {
			it(`closes when the token expires, after ${days} days`, async () => {
				const { transport } = await loggedIn(days);
				for (let day = 1; day < days; day++) mock.timers.tick(DAY);
				mock.timers.tick(DAY - 1);
				expect(transport.closed).to.equal(false);
				mock.timers.tick(1);
				expect(transport.closed).to.equal(true);
			});
		}

		it('uses the expiry of the token of the last login', async () => {
			const opened = await loggedIn(1, 3);
			await call(opened);
			mock.timers.tick(2 * DAY);
			expect(opened.transport.closed).to.equal(false);
			mock.timers.tick(DAY);
			expect(opened.transport.closed).to.equal(true);
		});

		it('stays open if the client has logged out before', async () => {
			const opened = await loggedIn(1);
			await call(opened);
			mock.timers.tick(2 * DAY);
			expect(opened.transport.closed).to.equal(false);
		});
	});

	describe('a session with slow calls', () => {
		const CALL = (id: string) => JSON.stringify({ msg: 'method', id, method: 'slow', params: [id] });
		/** Opens a session whose calls run until the function of their id in `ends` is called. */
		function openSlow(parallel: boolean) {
			const ends = new Map<string, () => void>();
			const invoke = (_name: string, [id]: readonly unknown[]) =>
				new Promise<void>((resolve) => ends.set(id as string, resolve));
			return { ends, ...connect('1', undefined, { get: () => ({ parallel }) as Method, invoke }) };
		}

		const answered = ({ transport }: ReturnType<typeof open>) =>
			transport.sent.filter((frame) => frame.includes('"result"')).map((frame) => JSON.parse(frame).id);

		it('answers earlier calls at shutdown, and ignores later ones (18)', async () => {
			const opened = openSlow(false);
			for (const id of ['1', '2']) opened.session.receive(CALL(id));
			const drained = opened.session.drain();
			await nextTurn();
			await nextTurn();
			opened.session.receive(CALL('3'));
			opened.session.receive('{"msg":"ping","id":"x"}');
			expect(opened.transport.sent).to.deep.equal(['{"msg":"pong","id":"x"}']);
			opened.ends.get('1')?.();
			await nextTurn();
			expect(opened.transport.closed).to.equal(false);
			opened.ends.get('2')?.();
			await drained;
			expect(answered(opened)).to.deep.equal(['1', '2']);
			expect([...opened.ends.keys()]).to.deep.equal(['1', '2']);
			expect(opened.transport.closed).to.equal(true);
		});

		it('runs parallel calls at once after a login in a large frame that had to wait (5)', async () => {
			const ends = new Map<string, () => void>();
			const invoke = async (name: string, [id]: readonly unknown[], caller: Caller) => {
				await new Promise<void>((resolve) => ends.set(id as string, resolve));
				if (name === 'login') await caller.setUserId?.('alice', 'hash');
			};
			const get = (name: string) => ({ changesUser: name === 'login', parallel: name === 'read' }) as Method;
			const opened = connect('1', undefined, { get, invoke });
			const send = (method: string, id: string, ...more: unknown[]) =>
				opened.session.receive(JSON.stringify({ msg: 'method', id, method, params: [id, ...more] }));
			send('login', 'first');
			send('login', 'large', 'x'.repeat(70_000));
			for (const id of ['first', 'large']) {
				ends.get(id)?.();
				await nextTurn();
			}
			send('slow', 'slow');
			send('read', 'read');
			expect([...ends.keys()]).to.deep.equal(['first', 'large', 'slow', 'read']);
		});

		for (const parallel of [true, false]) {
			const what = parallel ? 'parallel calls' : 'calls that run one after another';
			it(`pauses reading while more than ten ${what} are unanswered (5)`, async () => {
				const opened = openSlow(parallel);
				for (let i = 0; i < 10; i++) opened.session.receive(CALL(String(i)));
				expect(opened.transport.paused).to.equal(false);
				opened.session.receive(CALL('one too many'));
				expect(opened.transport.paused).to.equal(true);
				opened.ends.get('0')?.();
				await nextTurn();
				expect(opened.transport.paused).to.equal(false);
			});
		}

		it('pings and keeps a client from which it does not read (4)', async () => {
			const { session, transport, ends } = openSlow(true);
			for (let i = 0; i < 11; i++) session.receive(CALL(String(i)));
			for (let i = 0; i < 8; i++) mock.timers.tick(15_000);
			expect(transport).to.include({ paused: true, closed: false });
			expect(transport.sent.length).to.be.at.least(4);
			expect(new Set(transport.sent)).to.deep.equal(new Set([PING]));
			ends.get('0')?.();
			await nextTurn();
			expect(transport.paused).to.equal(false);
			// The whole timeout begins again when the client is read again.
			mock.timers.tick(14_999);
			expect(transport.closed).to.equal(false);
			for (let i = 0; i < 3; i++) mock.timers.tick(15_000);
			expect(transport.closed).to.equal(true);
		});
	});

	for (const when of ['once it has connected', 'before it has connected']) {
		it(`closes without a message when the client sends disconnect ${when}`, () => {
			const { transport, session } = when.startsWith('once') ? connect() : open();
			session.receive('{"msg":"disconnect"}');
			expect([transport.sent, transport.reason]).to.deep.equal([[], { code: 1000, text: 'Normal closure' }]);
		});
	}

	it('closes with 1001 when the server shuts down', async () => {
		mock.timers.reset();
		const { transport, session } = connect();
		await session.drain();
		expect(transport.reason).to.deep.equal({ code: 1001, text: 'Server is shutting down' });
	});

	it('closes with 1000 when a client does not answer', () => {
		const { transport } = connect();
		for (let i = 0; i < 3; i++) mock.timers.tick(15_000);
		expect(transport.reason).to.deep.equal({ code: 1000, text: 'Normal closure' });
	});

	it('ignores everything after it has closed', () => {
		const { transport, session } = connect();
		session.onClose();
		session.receive('{"msg":"ping"}');
		mock.timers.tick(120_000);
		expect(transport.sent).to.deep.equal([]);
	});
});
