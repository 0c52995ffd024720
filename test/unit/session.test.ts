/** A session without a network: time passes as the test says (contract/ddp.md 1.2 and section 4). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { Session } from '../../server/ddp/session.js';
import { createDeadlines } from '../../server/deadlines.js';
import { createBus } from '../../server/events/bus.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';
import { FakeTransport } from '../support/transport.js';

describe('a session', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
	afterEach(() => mock.timers.reset());

	function open(interval = 15_000) {
		const transport = new FakeTransport();
		const log = memoryLog();
		const invoker = { get: () => undefined, invoke: () => Promise.reject(new Error('no methods here')) };
		const publications = { named: new Map(), universal: [], strategyOf: () => 'SERVER_MERGE' as const };
		const deadlines = createDeadlines();
		const services = { store: {} as Store, bus: createBus(log), settings, log, deadlines, invoker, publications };
		const session = new Session(transport, services, {
			heartbeat: { interval, timeout: 15_000 },
			connectTimeout: 45_000,
			maxQueue: 10,
			maxSubscriptions: 10,
		});
		return { transport, session };
	}

	function connect(version = '1', interval?: number) {
		const opened = open(interval);
		opened.session.receive(JSON.stringify({ msg: 'connect', version, support: [version] }));
		opened.transport.sent.length = 0;
		return opened;
	}

	const PING = '{"msg":"ping"}';

	it('says nothing before the client does, and closes after 45 s without connect', () => {
		const { transport } = open();
		mock.timers.tick(44_999);
		expect(transport).to.deep.include({ sent: [], closed: false });
		mock.timers.tick(1);
		expect(transport).to.deep.include({ sent: [], closed: true });
	});

	it('does not close an idle client that has connected in time', () => {
		const { transport, session } = connect();
		for (let i = 0; i < 20; i++) {
			mock.timers.tick(10_000);
			session.receive('{"msg":"pong"}');
		}
		expect(transport.closed).to.equal(false);
	});

	it('pings at each interval in which it heard nothing', () => {
		const { transport, session } = connect();
		session.receive('{"msg":"pong"}');
		mock.timers.tick(15_000);
		expect(transport.sent).to.deep.equal([]);
		mock.timers.tick(15_000);
		expect(transport.sent).to.deep.equal([PING]);
	});

	it('closes when nothing comes for 15 s after a ping', () => {
		const { transport } = connect();
		mock.timers.tick(15_000);
		expect(transport.sent).to.deep.equal([PING]);
		mock.timers.tick(14_999);
		expect(transport.closed).to.equal(false);
		mock.timers.tick(1);
		expect(transport).to.deep.include({ sent: [PING], closed: true });
	});

	it('takes any message, even a bad one, as a sign of life', () => {
		const { transport, session } = connect();
		mock.timers.tick(15_000);
		session.receive('{bad');
		mock.timers.tick(15_000);
		expect(transport.closed).to.equal(false);
	});

	it('sends no pings in pre1, nor with interval 0', () => {
		for (const { transport } of [connect('pre1'), connect('1', 0)]) {
			mock.timers.tick(120_000);
			expect(transport).to.deep.include({ sent: [], closed: false });
		}
	});

	it('does nothing more once it has closed', () => {
		const { transport, session } = connect();
		session.closed();
		session.receive('{"msg":"ping"}');
		mock.timers.tick(120_000);
		expect(transport.sent).to.deep.equal([]);
	});
});
