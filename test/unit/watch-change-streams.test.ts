/** Writes of other programs, read from change streams. A refresh reads a whole collection again. */
import { expect } from 'chai';
import { CollectionStream } from '../../server/cluster/watch/collectionStream.js';
import { memoryLog } from '../support/log.js';
import { AWAY, FakeDatabase, ReportedWrites } from '../support/watchedDatabase.js';

const SUBSCRIPTIONS = { key: 'subscriptions', name: 'rocketchat_subscription' };

const token = (data: string) => ({ _data: data });
/** @param at the data of the resume token */
const event = (operationType: string, _id: string, at = _id) => ({
	_id: token(at),
	operationType,
	documentKey: { _id },
});

describe('a change stream of a collection', () => {
	let database: FakeDatabase;
	let sink: ReportedWrites;
	let watched: CollectionStream;

	beforeEach(() => {
		database = new FakeDatabase();
		sink = new ReportedWrites();
		watched = new CollectionStream({ collection: SUBSCRIPTIONS, database, sink, log: memoryLog() });
	});
	afterEach(() => watched.close());

	it('reports inserted, updated, replaced and removed documents', async () => {
		const stream = await database.nextStream();
		for (const operation of ['insert', 'update', 'replace', 'delete']) stream.send(event(operation, operation));
		expect(await sink.next(4)).to.deep.equal([
			{ key: 'subscriptions', id: 'insert', action: 'inserted' },
			{ key: 'subscriptions', id: 'update', action: 'updated' },
			{ key: 'subscriptions', id: 'replace', action: 'updated' },
			{ key: 'subscriptions', id: 'delete', action: 'removed' },
		]);
	});

	it('reports room and user of a removed membership, read from the trash', async () => {
		const u = { _id: 'alice', username: 'alice' };
		database
			.of('rocketchat__trash')
			.push(
				{ _id: 'a', __collection__: 'subscription', rid: 'r', u, t: 'p', name: 'room', E2EKey: 'secret' },
				{ _id: 'b', __collection__: 'room', rid: 'r', u },
				{ _id: 'c', __collection__: 7, rid: 'r', u },
				{ _id: 'd', __collection__: 'subscription', rid: 7, u: 'alice' },
			);
		const stream = await database.nextStream();
		for (const id of ['a', 'b', 'c', 'd']) stream.send(event('delete', id));
		expect(await sink.next(4)).to.deep.equal([
			{ key: 'subscriptions', id: 'a', action: 'removed', last: { _id: 'a', rid: 'r', u, t: 'p', name: 'room' } },
			{ key: 'subscriptions', id: 'b', action: 'removed' },
			{ key: 'subscriptions', id: 'c', action: 'removed' },
			{ key: 'subscriptions', id: 'd', action: 'removed', last: { _id: 'd' } },
		]);
		expect(database.queries).to.deep.equal(['trashed']);
	});

	it('reports a removal also when the trash cannot be read', async () => {
		const stream = await database.nextStream();
		database.isAway = true;
		stream.send(event('delete', 'a'));
		expect(await sink.next(1)).to.deep.equal([{ key: 'subscriptions', id: 'a', action: 'removed' }]);
	});

	it('resumes after an outage at the last event', async () => {
		const first = await database.nextStream();
		expect(first.options.resumeAfter).to.equal(undefined);
		first.send(event('update', 'a', 'A'));
		first.fail(AWAY);
		const second = await database.nextStream();
		second.fail(AWAY);
		const third = await database.nextStream();
		expect([second.options.resumeAfter, third.options.resumeAfter]).to.deep.equal([token('A'), token('A')]);
		third.send(event('update', 'b', 'B'));
		expect(await sink.next(2)).to.deep.equal([
			{ key: 'subscriptions', id: 'a', action: 'updated' },
			{ key: 'subscriptions', id: 'b', action: 'updated' },
		]);
		expect([first.isClosed, second.isClosed, third.isClosed]).to.deep.equal([true, true, false]);
	});

	it('resumes after an outage at the latest token, also without an event', async () => {
		const first = await database.nextStream();
		first.idle(token('later'));
		first.fail(AWAY);
		expect((await database.nextStream()).options.resumeAfter).to.deep.equal(token('later'));
	});

	it('requests a refresh if the first stream failed before it had a token', async () => {
		const first = await database.nextStream();
		first.fail(AWAY);
		const second = await database.nextStream();
		expect(sink.rest).to.deep.equal([]);
		second.options.onOpen();
		await watched.opened;
		expect(await sink.next(1)).to.deep.equal([{ refreshCollection: 'subscriptions' }]);
	});

	for (const [what, error] of Object.entries({
		'whose history is lost': Object.assign(new Error('Resume point may no longer be in the oplog'), { code: 286 }),
		'with an event that is too large': Object.assign(new Error('BSONObj size is invalid'), { code: 10334 }),
		'with an unknown resume token': new Error('Unknown error'),
	})) {
		it(`${what} starts again without a token, and requests a refresh`, async () => {
			const first = await database.nextStream();
			first.send(event('update', 'a'));
			first.fail(error);
			const second = await database.nextStream();
			expect(second.options.resumeAfter).to.equal(undefined);
			// The refresh is requested only when the new stream is open. Otherwise writes could be missed.
			expect(await sink.next(1)).to.deep.equal([{ key: 'subscriptions', id: 'a', action: 'updated' }]);
			expect(sink.rest).to.deep.equal([]);
			second.idle();
			expect(await sink.next(1)).to.deep.equal([{ refreshCollection: 'subscriptions' }]);
			second.send(event('update', 'b'));
			expect(await sink.next(1)).to.deep.equal([{ key: 'subscriptions', id: 'b', action: 'updated' }]);
		});
	}

	for (const operation of ['drop', 'rename', 'dropDatabase', 'invalidate']) {
		it(`requests a refresh after ${operation}`, async () => {
			const first = await database.nextStream();
			first.send({ _id: token('A'), operationType: operation });
			const second = await database.nextStream();
			expect(second.options.resumeAfter).to.equal(undefined);
			second.idle();
			expect(await sink.next(1)).to.deep.equal([{ refreshCollection: 'subscriptions' }]);
		});
	}

	it('requests whole documents after an event without an id', async () => {
		const first = await database.nextStream();
		first.send(event('insert', 'a', 'A'));
		first.send({ _id: token('B'), operationType: 'update', documentKey: { $set: { x: 1 } } });
		const second = await database.nextStream();
		expect([first.options.lookup, second.options.lookup]).to.deep.equal([false, true]);
		expect(second.options.resumeAfter).to.deep.equal(token('A'));
		second.send({
			_id: token('B'),
			operationType: 'update',
			documentKey: { $set: { x: 1 } },
			fullDocument: { _id: 'b' },
		});
		// The document was removed before the server could look it up.
		second.send({ _id: token('C'), operationType: 'update', documentKey: { $set: { x: 1 } } });
		second.send(event('delete', 'c', 'D'));
		expect(await sink.next(3)).to.deep.equal([
			{ key: 'subscriptions', id: 'a', action: 'inserted' },
			{ key: 'subscriptions', id: 'b', action: 'updated' },
			{ key: 'subscriptions', id: 'c', action: 'removed' },
		]);
	});

	it('ignores malformed events', async () => {
		const stream = await database.nextStream();
		for (const nonsense of ['text', 7, [], {}, { operationType: 7 }, { operationType: 'delete' }, true]) {
			stream.send(nonsense);
		}
		stream.send({ operationType: 'delete', documentKey: { _id: { $oid: 'x' } } });
		stream.send({ operationType: 'unheard of', documentKey: { _id: 'a' } });
		stream.send({ operationType: 'delete', documentKey: { _id: '__proto__' } });
		stream.send(event('update', 'a'));
		expect(await sink.next(1)).to.deep.equal([{ key: 'subscriptions', id: 'a', action: 'updated' }]);
		expect(stream.isClosed).to.equal(false);
	});

	it('knows up to which time it has received all writes', async () => {
		const stream = await database.nextStream();
		const wallTime = new Date(1_000_000);
		stream.send({ ...event('update', 'a'), wallTime });
		await sink.next(1);
		expect(watched.reportedUntil).to.equal(1_000_000);
		stream.send({ ...event('update', 'a'), clusterTime: { t: 2000, i: 1 } });
		await sink.next(1);
		// A cluster time is in seconds. The last millisecond of the second counts.
		expect(watched.reportedUntil).to.equal(2_000_999);
	});

	it('reports nothing after it is closed', async () => {
		const stream = await database.nextStream();
		await watched.close();
		stream.send(event('update', 'a'));
		expect(stream.isClosed).to.equal(true);
		expect(sink.rest).to.deep.equal([]);
	});
});
