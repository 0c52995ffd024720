/** The choice between change streams and polling, and the health report of the watcher. */
import { mock } from 'node:test';
import { expect } from 'chai';
import { startWatcher, type WatcherParts, type WatchMode } from '../../server/cluster/watch/watcher.js';
import { createServer } from '../../server/createServer.js';
import { Health } from '../../server/ops/health.js';
import { memoryLog } from '../support/log.js';
import { AWAY, FakeDatabase, ReportedWrites } from '../support/watchedDatabase.js';

const ROOMS = { key: 'rooms', name: 'rocketchat_room' };

describe('the watcher of a database', () => {
	let database: FakeDatabase;
	let sink: ReportedWrites;
	let health: Health;

	beforeEach(() => {
		database = new FakeDatabase();
		sink = new ReportedWrites();
		health = new Health(memoryLog(), { timeout: 1000, maxAge: 0 });
		health.markStarted();
	});

	const start = (mode: WatchMode, more: Partial<WatcherParts> = {}) =>
		startWatcher({
			mode,
			database,
			collections: [ROOMS],
			sink,
			log: memoryLog(),
			health: health.addPart('watcher', 'off'),
			observedIds: () => [],
			interval: 1,
			...more,
		});

	async function open(streams: number): Promise<void> {
		for (let i = 0; i < streams; i++) (await database.nextStream()).options.onOpen();
	}

	it('uses change streams if the database supports them, one for each collection', async () => {
		// The first stream only tests whether the database has change streams.
		const [watcher] = await Promise.all([start('auto'), open(2)]);
		expect(watcher.state.mode).to.equal('change-streams');
		await watcher.close();
	});

	it('polls if the database does not support change streams', async () => {
		database.streamError = new Error('not supported');
		const watcher = await start('auto');
		expect(watcher.state.mode).to.equal('polling');
		database.of(ROOMS.name).push({ _id: 'a', _updatedAt: new Date() });
		await sink.next(1);
		expect([...watcher.state.found]).to.deep.equal([['rooms', 1]]);
		await watcher.close();
	});

	it('polls in the mode `polling`, although the database supports change streams', async () => {
		const watcher = await start('polling');
		expect(watcher.state.mode).to.equal('polling');
		await watcher.close();
	});

	it('does not start with change streams that the database does not support', async () => {
		database.streamError = new Error('not supported');
		const error = await start('change-streams').catch((thrown: Error) => thrown.message);
		expect(error).to.equal('The database has no change streams: not supported. Use --watch polling or auto.');
	});

	it('does not take an outage for missing support of change streams', async () => {
		database.streamError = AWAY;
		const error = await start('auto').catch((thrown: Error) => thrown);
		expect(error).to.equal(AWAY);
	});

	it('reports whether it polls, and its delay', async () => {
		const watcher = await start('polling');
		const { watcher: state } = (await health.report()).checks;
		expect(state?.status).to.equal('ok');
		expect(state?.details).to.have.property('mode', 'polling');
		expect(state).to.have.nested.property('details.behindMs').that.is.a('number');
		await watcher.close();
	});

	it('counts how often it requests that a whole collection is read again', async () => {
		const starting = start('auto');
		await open(1);
		const stream = await database.nextStream();
		stream.options.onOpen();
		const watcher = await starting;
		stream.send({ operationType: 'drop' });
		(await database.nextStream()).idle();
		expect(await sink.next(1)).to.deep.equal([{ refreshCollection: 'rooms' }]);
		expect(watcher.state.refreshes).to.equal(1);
		await watcher.close();
	});

	it('stays ready while the database does not answer, and reports that it is behind', async () => {
		mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() });
		try {
			const watcher = await start('polling');
			database.isAway = true;
			// Above 10 s the watcher counts as behind.
			mock.timers.tick(11_000);
			const report = await health.report();
			expect(report.status).to.equal('ready');
			expect(report.checks.watcher).to.include({
				status: 'degraded',
				reason: 'Writes of other programs are noticed late or not at all',
			});
			await watcher.close();
		} finally {
			mock.timers.reset();
		}
	});
});

describe('the setting watch', () => {
	for (const watch of ['polling', 'change-streams'] as const) {
		it(`refuses ${watch} for data that is not in MongoDB`, async () => {
			const error = await createServer({ watch, store: { memory: true } }).catch((thrown: Error) => thrown.message);
			expect(error).to.contain('watch must be off or auto');
		});
	}
});
