/** Writes of other programs, found by queries at intervals. */
import { mock } from 'node:test';
import { expect } from 'chai';
import { Polling } from '../../server/cluster/watch/polling.js';
import { memoryLog } from '../support/log.js';
import { FakeDatabase, ReportedWrites } from '../support/watchedDatabase.js';

const ROOMS = { key: 'rooms', name: 'rocketchat_room' };
const SUBSCRIPTIONS = { key: 'subscriptions', name: 'rocketchat_subscription' };
const SETTINGS = { key: 'settings', name: 'rocketchat_settings' };

const START = Date.parse('2030-01-01T00:00:00Z');

describe('polling a database', () => {
	let database: FakeDatabase;
	let sink: ReportedWrites;
	let polling: Polling;
	let observedRooms: string[];
	let log: ReturnType<typeof memoryLog>;

	beforeEach(() => {
		mock.timers.enable({ apis: ['Date'], now: START });
		database = new FakeDatabase();
		sink = new ReportedWrites();
		observedRooms = [];
		log = memoryLog();
		polling = new Polling({
			collections: [ROOMS, SUBSCRIPTIONS, SETTINGS],
			database,
			sink,
			log,
			observedIds: (key) => (key === 'rooms' ? observedRooms : []),
			interval: 1,
		});
	});
	afterEach(async () => {
		await polling.close();
		mock.timers.reset();
	});

	const write = (_id: string, time: number, collection = ROOMS.name) =>
		database.of(collection).push({ _id, _updatedAt: new Date(time) });
	const room = (id: string) => ({ key: 'rooms', id, action: 'updated' });

	/** Waits for `count` further rounds of queries. The settings are the last collection of a round. */
	async function rounds(count: number): Promise<void> {
		for (let round = 0; round < count; round++) {
			const before = database.queries.length;
			while (!database.queries.slice(before).includes('dated rocketchat_settings')) {
				await new Promise(setImmediate);
			}
		}
		await new Promise(setImmediate);
	}

	it('reports each document written since the last poll once', async () => {
		write('old', START - 1000);
		await polling.start();
		write('new', START + 1);
		write('setting', START + 2, SETTINGS.name);
		mock.timers.setTime(START + 10);
		expect(await sink.next(2)).to.have.deep.members([
			room('new'),
			{ key: 'settings', id: 'setting', action: 'updated' },
		]);
		await rounds(3);
		expect(sink.rest).to.deep.equal([]);
		database.of(ROOMS.name)[0] = { _id: 'old', _updatedAt: new Date(START + 9) };
		expect(await sink.next(1)).to.deep.equal([room('old')]);
	});

	it('reports documents that become visible some time after their date', async () => {
		await polling.start();
		mock.timers.setTime(START + 100_000);
		write('first', START + 100_000);
		await sink.next(1);
		write('two seconds', START + 98_000);
		expect(await sink.next(1)).to.deep.equal([room('two seconds')]);
	});

	it('reports writes of a program whose clock is a minute slow', async () => {
		await polling.start();
		mock.timers.setTime(START + 100_000);
		write('first', START + 100_000);
		await sink.next(1);
		write('fifty seconds', START + 50_000);
		expect(await sink.next(1)).to.deep.equal([room('fifty seconds')]);
	});

	it('still reports writes after a document with a date in the future', async () => {
		write('future', START + 10 ** 12);
		await polling.start();
		write('now', START);
		expect(await sink.next(1)).to.deep.equal([room('now')]);
		mock.timers.setTime(START + 5000);
		write('later future', START + 10 ** 11);
		write('later', START + 4000);
		expect(await sink.next(2)).to.deep.equal([room('later'), room('later future')]);
		// Every tenth round reads again what is up to a minute old.
		await rounds(12);
		expect(sink.rest).to.deep.equal([]);
	});

	it('misses nothing after an outage of a minute', async () => {
		write('before', START - 5);
		await polling.start();
		database.isAway = true;
		await rounds(3);
		for (let second = 1; second <= 60; second++) write(`${second}`, START + second * 1000);
		database.of('rocketchat__trash').push({ _id: 'gone', __collection__: 'room', _deletedAt: new Date(START + 1000) });
		mock.timers.setTime(START + 61_000);
		expect(polling.reportedUntil).to.equal(START);
		database.isAway = false;
		const reported = (await sink.next(61)) as { id: string }[];
		expect(new Set(reported.map(({ id }) => id)).size).to.equal(61);
		await rounds(2);
		expect(polling.reportedUntil).to.equal(START + 61_000);
	});

	it('reports a document in the trash when it is removed from its collection', async () => {
		const u = { _id: 'alice' };
		database.of(SUBSCRIPTIONS.name).push({ _id: 'a' });
		database.of('rocketchat__trash').push({ _id: 'x', __collection__: 'room', _deletedAt: new Date(START - 1) });
		await polling.start();
		database
			.of('rocketchat__trash')
			.push(
				{ _id: 'a', __collection__: 'subscription', _deletedAt: new Date(START), rid: 'r', u, E2EKey: 'secret' },
				{ _id: 'm', __collection__: 'message', _deletedAt: new Date(START) },
				{ _id: 'n', __collection__: { $ne: 1 }, _deletedAt: new Date(START) },
			);
		await rounds(2);
		expect(sink.rest).to.deep.equal([]);
		database.of(SUBSCRIPTIONS.name).pop();
		const last = { _id: 'a', rid: 'r', u };
		expect(await sink.next(1)).to.deep.equal([{ key: 'subscriptions', id: 'a', action: 'removed', last }]);
		await rounds(2);
		expect(sink.rest).to.deep.equal([]);
	});

	it('reports observed documents that do not exist any more', async () => {
		observedRooms = ['a', 'b', 'a'];
		database.of(ROOMS.name).push({ _id: 'a' }, { _id: 'b' });
		await polling.start();
		await rounds(1);
		database.of(ROOMS.name).pop();
		expect((await sink.next(1))[0]).to.deep.equal({ key: 'rooms', id: 'b', action: 'removed' });
	});

	it('does not read a trash of over 10,000 documents without an index', async () => {
		database.hasTrashIndex = false;
		for (let i = 0; i <= 10_000; i++) database.of('rocketchat__trash').push({ _id: `${i}` });
		await polling.start();
		await rounds(1);
		expect(database.queries).not.to.include('dated rocketchat__trash');
	});

	it('makes as many queries for 10,000 observed documents as for one', async () => {
		/** For each count, the queries of one round. */
		const queriesOfRounds: string[][] = [];
		for (const count of [1, 10_000]) {
			observedRooms = Array.from({ length: count }, (_, i) => `${i}`);
			const documents = observedRooms.map((_id) => ({ _id }));
			database.collections.set(ROOMS.name, documents);
			if (queriesOfRounds.length === 0) await polling.start();
			await rounds(4);
			// A round begins with the rooms.
			const last = database.queries.lastIndexOf('dated rocketchat_room');
			queriesOfRounds.push(
				database.queries.slice(database.queries.lastIndexOf('dated rocketchat_room', last - 1), last),
			);
		}
		expect(queriesOfRounds[0]).to.include('existing rocketchat_room');
		expect(queriesOfRounds[1]).to.have.members(queriesOfRounds[0] as string[]);
	});

	it('ignores malformed documents', async () => {
		await polling.start();
		const nonsense = [null, 7, 'text', {}, { _id: 7, _updatedAt: new Date(START) }, { _id: 'a', _updatedAt: 'today' }];
		database.of(ROOMS.name).push(...(nonsense as never[]), { _id: 'b', _updatedAt: new Date(Number.NaN) });
		write('good', START);
		expect(await sink.next(1)).to.deep.equal([room('good')]);
		expect(sink.rest).to.deep.equal([]);
	});

	it('makes the index that it needs, except in small collections such as the settings', async () => {
		await polling.start();
		expect(database.indexes).to.deep.equal(['rocketchat_room _updatedAt', 'rocketchat_subscription _updatedAt']);
	});

	it('logs which indexes are missing if it may not make them', async () => {
		database.makesIndexes = false;
		await polling.start();
		expect(database.indexes).to.deep.equal([]);
		expect(log.lines).to.have.length(1);
		expect(log.lines[0]?.facts).to.deep.equal({ collections: [ROOMS.name, SUBSCRIPTIONS.name] });
		expect(log.lines[0]?.text).to.include('--read-only');
	});

	it('makes no index that exists already', async () => {
		database.indexes.push('rocketchat_room _updatedAt');
		await polling.start();
		expect(database.indexes).to.deep.equal(['rocketchat_room _updatedAt', 'rocketchat_subscription _updatedAt']);
	});

	it('does not start while the database does not answer', async () => {
		database.isAway = true;
		const failed = await polling.start().catch((error: Error) => error.message);
		expect(failed).to.equal('away');
	});
});
