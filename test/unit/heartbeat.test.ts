/** The heartbeats of many clients, with a fake clock (test/contract/ddp.md section 4). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { type HeartbeatPeer, Heartbeats } from '../../server/ddp/heartbeat.js';

describe('heartbeats', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
	afterEach(() => mock.timers.reset());

	/** Starts one heartbeat per millisecond. Records how long after its start each client is pinged and times out. */
	function startMany(count: number, interval: number, timeout: number) {
		const heartbeats = new Heartbeats({ interval, timeout });
		const sent: { what: 'ping' | 'timeout'; client: number; after: number }[] = [];
		let now = 0;
		const tick = () => {
			now++;
			mock.timers.tick(1);
		};
		const all = Array.from({ length: count }, (_, client) => {
			const start = now;
			const peer: HeartbeatPeer = {
				slot: undefined,
				active: false,
				ping: () => sent.push({ what: 'ping', client, after: now - start }),
				onTimeout() {
					sent.push({ what: 'timeout', client, after: now - start });
					heartbeats.stop(peer);
				},
			};
			heartbeats.start(peer);
			tick();
			return peer;
		});
		return { heartbeats, sent, tick, all };
	}

	it('ping silent clients at most 1 % early, and then time them out', () => {
		const { sent, tick } = startMany(300, 1000, 50);
		for (let i = 0; i < 1200; i++) tick();
		for (const what of ['ping', 'timeout'] as const) {
			const times = sent.filter((each) => each.what === what);
			expect(times.map(({ client }) => client).sort((a, b) => a - b)).to.deep.equal([...Array(300).keys()]);
			const sincePing = what === 'ping' ? 0 : 50;
			for (const { after } of times) expect(after - sincePing).to.be.within(990, 1000);
		}
	});

	it('ping neither active clients nor a client whose heartbeat was stopped', () => {
		const { heartbeats, sent, tick, all } = startMany(10, 100, 50);
		const [first, ...others] = all;
		heartbeats.stop(first as HeartbeatPeer);
		for (let i = 0; i < 500; i++) {
			tick();
			for (const peer of others) heartbeats.markActive(peer);
		}
		expect(sent).to.deep.equal([]);
	});

	it('ping a client one interval after its start, even if the timer had stopped', () => {
		const heartbeats = new Heartbeats({ interval: 100, timeout: 50 });
		let pings = 0;
		const peer = { slot: undefined, active: false, ping: () => pings++, onTimeout() {} };
		heartbeats.start(peer);
		heartbeats.stop(peer);
		mock.timers.tick(30);
		heartbeats.start(peer);
		mock.timers.tick(99);
		expect(pings).to.equal(0);
		mock.timers.tick(1);
		expect(pings).to.equal(1);
	});
});
