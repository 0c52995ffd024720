/** The timeout of a subscription, and when it is paused (test/contract/ddp.md section 10). */
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import { Heartbeats } from '../../server/ddp/heartbeat.js';
import { createStreamHub } from '../../server/ddp/publications/streams.js';
import { Session } from '../../server/ddp/session.js';
import { liveQuery, type Publication, publication } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { type Stream, stream } from '../../shared/stream.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';
import { FakeTransport } from '../support/transport.js';

const MINUTE = 60_000;
const common = { summary: 'for a test', anonymous: true, args: {}, name: 'a' } as const;
const never = () => new Promise<never>(() => {});

/** A client that reads nothing until `drain`. */
class SlowTransport extends FakeTransport {
	drain = () => {};
	override whenDrained(): Promise<void> {
		return new Promise((resolve) => {
			this.drain = resolve;
		});
	}
}

describe('the timeout of a subscription (10)', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] }));
	afterEach(() => mock.timers.reset());

	/** @param permissions the permissions that a live query finds */
	async function subscribe(
		to: Publication | Stream,
		permissions: () => AsyncIterable<{ _id: string }>,
		transport = new FakeTransport(),
		log = memoryLog(),
	): Promise<FakeTransport> {
		const all = 'run' in to ? [to] : createStreamHub([to]).publications;
		const services = {
			store: { permissions: { find: permissions } } as unknown as Store,
			bus: createBus(log),
			settings,
			log,
			invoker: { get: () => undefined, invoke: () => Promise.reject(new Error('no methods here')) },
			publications: {
				named: new Map(all.map((each) => [each.name as string, each])),
				universal: [],
				strategyOf: () => 'SERVER_MERGE' as const,
			},
			onConnection() {},
			heartbeats: new Heartbeats({ interval: 0, timeout: 0 }),
		};
		const limits = {
			connectTimeout: 45_000,
			maxAnonymousFrame: 65_536,
			maxQueue: 10,
			maxSubscriptions: 10,
			maxSubscriptionBytes: 16_384,
		};
		const session = new Session(transport, services, limits, () => {});
		session.receive('{"msg":"connect","version":"1","support":["1"]}');
		transport.sent.length = 0;
		const params = 'run' in to ? [] : ['e', { useCollection: true }];
		session.receive(JSON.stringify({ msg: 'sub', id: 's', name: all[0]?.name, params }));
		await settle();
		return transport;
	}

	async function settle(): Promise<void> {
		for (let i = 0; i < 5; i++) await setImmediate();
	}

	async function pass(ms: number): Promise<void> {
		mock.timers.tick(ms);
		await settle();
	}

	const sentBy = ({ sent }: FakeTransport) => sent.map((frame) => JSON.parse(frame).msg);
	const TIMEOUT_ERROR = 'error-timeout';

	async function* twoDocuments() {
		yield { _id: 'p' };
		yield { _id: 'q' };
	}

	for (const [what, timeout] of [
		['30 s', undefined],
		['the timeout of its definition', 5000],
	] as const) {
		it(`is ${what}`, async () => {
			const { sent } = await subscribe(
				publication({ ...common, ...(timeout && { timeout }), run: never }),
				twoDocuments,
			);
			await pass((timeout ?? 30_000) - 1);
			expect(sent).to.deep.equal([]);
			await pass(1);
			expect(JSON.parse(sent[0] ?? '')).to.have.nested.property('error.error', TIMEOUT_ERROR);
		});
	}

	it('only logs a warning if nothing was returned and ready was not called', async () => {
		const log = memoryLog();
		const { sent } = await subscribe(publication({ ...common, run() {} }), twoDocuments, undefined, log);
		const callsReady = publication({ ...common, run: (_, context) => context.ready() });
		await subscribe(callsReady, twoDocuments, undefined, log);
		await pass(29_999);
		expect(log.lines).to.deep.equal([]);
		await pass(1);
		expect(log.lines.map(({ level, text }) => [level, text])).to.deep.equal([
			['warn', "Publication 'a' returned no live query and has not called ready"],
		]);
		expect(sent).to.deep.equal([]);
	});

	it('also covers reading the first documents of a live query', async () => {
		async function* hanging() {
			yield { _id: 'p' };
			await never();
		}
		const run = () => liveQuery('permissions', {}, { roles: 1 });
		const transport = await subscribe(publication({ ...common, run }), hanging);
		expect(sentBy(transport)).to.deep.equal(['added']);
		await pass(MINUTE);
		expect(sentBy(transport)).to.deep.equal(['added', 'removed', 'nosub']);
	});

	it('is paused while the client does not read its documents', async () => {
		const run = () => liveQuery('permissions', {}, { roles: 1 });
		const transport = new SlowTransport();
		await subscribe(publication({ ...common, run }), twoDocuments, transport);
		for (const frames of [['added'], ['added', 'added'], ['added', 'added', 'ready']]) {
			expect(sentBy(transport)).to.deep.equal(frames);
			await pass(MINUTE);
			transport.drain();
			await settle();
		}
	});

	it('is paused while the client does not read the first events of a stream', async () => {
		const events = stream({
			name: 'slow',
			summary: 'for a test',
			mayRead: () => true,
			async *initial() {
				yield [1];
				yield [2];
			},
		});
		const transport = new SlowTransport();
		await subscribe(events, twoDocuments, transport);
		const begin = ['added', 'ready', 'changed'];
		for (const frames of [begin, [...begin, 'changed'], [...begin, 'changed']]) {
			expect(sentBy(transport)).to.deep.equal(frames);
			await pass(MINUTE);
			transport.drain();
			await settle();
		}
	});

	it('also covers the check whether the client may read a stream', async () => {
		let mayRead = (_may: boolean) => {};
		const asking = stream({
			name: 'asking',
			summary: 'for a test',
			mayRead: () =>
				new Promise<boolean>((resolve) => {
					mayRead = resolve;
				}),
		});
		const transport = await subscribe(asking, twoDocuments);
		await pass(MINUTE);
		mayRead(true);
		await settle();
		expect(sentBy(transport)).to.deep.equal(['nosub']);
	});
});
