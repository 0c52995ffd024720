/** Conditional writes that are retried, and lists that are read in pages. */
import { expect } from 'chai';
import { pagesOf } from '../../methods/model/pages.js';
import { CONFLICT, retryOnConflict, updateIfUnchanged } from '../../methods/model/retryOnConflict.js';
import { addPerson, addRoom } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('a conditional write', () => {
	let roomkey: TestRoomkey;

	before(async () => {
		roomkey = await openRoomkey();
	});
	after(() => roomkey.close());

	const increment = (_id: string) =>
		updateIfUnchanged(
			roomkey.store.rooms,
			() => roomkey.store.rooms.findOne({ _id }),
			({ msgs = 0 }) => ({ whereUnchanged: { _id, msgs }, update: { $set: { msgs: msgs + 1 } } }),
		);

	it('loses no update of many concurrent callers', async () => {
		const rid = await addRoom(roomkey.store, [], { msgs: 0 });
		await Promise.all(Array.from({ length: 50 }, () => increment(rid)));
		expect((await roomkey.store.rooms.findOne({ _id: rid }))?.msgs).to.equal(50);
	});

	it('returns null for a document that does not exist', async () => {
		expect(await increment('missing')).to.equal(null);
	});

	it('stops after the call has ended, and after too many conflicts', async () => {
		expect(await rejection(retryOnConflict(async () => CONFLICT))).to.include({ error: 'error-timeout' });
		const call = new AbortController();
		const attempts: number[] = [];
		const ended = retryOnConflict(async (number) => {
			attempts.push(number);
			if (number === 3) call.abort();
			return CONFLICT;
		}, call.signal);
		expect(await rejection(ended)).to.include({ error: 'error-timeout' });
		expect(attempts).to.deep.equal([1, 2, 3]);
	});
});

describe('a list that is read in pages', () => {
	let roomkey: TestRoomkey;
	let rid: string;
	const ids = ['a', 'b', 'c', 'd', 'e'];

	before(async () => {
		roomkey = await openRoomkey();
		const people = [];
		for (const _id of ids) people.push(await addPerson(roomkey.store, { _id }));
		rid = await addRoom(roomkey.store, people);
	});
	after(() => roomkey.close());

	async function read(filter: object, size: number): Promise<string[][]> {
		const pages: string[][] = [];
		const options = { key: 'u._id', size, projection: { rid: 1 } } as const;
		for await (const page of pagesOf(roomkey.store.subscriptions, { rid, ...filter }, options)) {
			pages.push(page.map(({ u }) => u._id));
		}
		return pages;
	}

	it('has each document once, in the order of the key', async () => {
		expect(await read({}, 2)).to.deep.equal([['a', 'b'], ['c', 'd'], ['e']]);
		expect(await read({}, 5)).to.deep.equal([ids]);
		expect(await read({ 'u._id': { $ne: 'b' } }, 2)).to.deep.equal([
			['a', 'c'],
			['d', 'e'],
		]);
		expect(await read({ rid: 'missing' }, 2)).to.deep.equal([]);
	});

	it('is not read further once the call has ended', async () => {
		const call = new AbortController();
		const pages = pagesOf(roomkey.store.subscriptions, { rid }, { size: 2, signal: call.signal });
		await pages.next();
		call.abort();
		expect(await rejection(pages.next())).to.include({ error: 'error-timeout' });
	});
});
