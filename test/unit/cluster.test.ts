/** The connection of a process to others, over a fake link. */
import { expect } from 'chai';
import { type Bus, createBus } from '../../server/cluster/bus.js';
import { joinCluster } from '../../server/cluster/cluster.js';
import type { LinkHandlers } from '../../server/cluster/link.js';
import { memoryLog } from '../support/log.js';

describe('a process', () => {
	let log: ReturnType<typeof memoryLog>;
	/** For each request to read writes again: from which time on, in ms since 1970. */
	let requested: number[];
	let handlers: LinkHandlers | undefined;

	/** A process whose messages reach nobody. @param maxBytes maximum size of a message */
	function join(bus: Bus, maxBytes = 1_048_576) {
		const link = {
			maxBytes,
			start(given: LinkHandlers) {
				handlers = given;
			},
			send() {},
			close: async () => {},
		};
		const catchUp = {
			isRunning: false,
			request: async (since: number) => void requested.push(since),
			settled: async () => {},
			onEnd() {},
			close: async () => {},
		};
		const changedElsewhere = { report() {}, settled: async () => {}, close: async () => {} };
		return joinCluster({ link, bus, catchUp, changedElsewhere, checkTokens() {}, log });
	}

	beforeEach(() => {
		log = memoryLog();
		requested = [];
	});

	it('logs a stream event that is too large for others, without its arguments', async () => {
		const bus = createBus(log);
		const cluster = join(bus, 1000);
		bus.publish('notify', { stream: 'news', eventName: 'all', args: ['x'.repeat(2000)] });
		await cluster.close();
		const [line, ...others] = log.lines.filter(({ level }) => level === 'error');
		expect(others).to.deep.equal([]);
		expect(line?.facts).to.deep.equal({ stream: 'news', maxBytes: 1000 });
	});

	it('sends no event of more than 8 MiB, even if the connection accepts it', async () => {
		const bus = createBus(log);
		const cluster = join(bus, 64 * 1024 * 1024);
		bus.publish('notify', { stream: 'news', eventName: 'all', args: ['x'.repeat(9_000_000)] });
		await cluster.close();
		const [line] = log.lines.filter(({ level }) => level === 'error');
		expect(line?.facts).to.deep.equal({ stream: 'news', maxBytes: 8 * 1024 * 1024 });
	});

	it('reads again what was written while another process was disconnected', async () => {
		const cluster = join(createBus(log));
		// The first request comes from connecting.
		handlers?.onConnect();
		// `hello`: for how many ms the sender was disconnected.
		for (const [from, hello] of [
			['one', 60_000],
			['two', Number.MAX_SAFE_INTEGER],
		])
			handlers?.onMessage(Buffer.from(JSON.stringify({ v: 1, from, n: 2, hello })));
		await cluster.close();
		expect(requested).to.have.length(3);
		expect(requested[1]).to.be.closeTo(Date.now() - 60_000, 10_000);
		expect(requested[2]).to.equal(0);
	});
});
