/** Calls about many rooms or members yield to other calls, and stop when aborted. */
import { expect } from 'chai';
import type { Room, Subscription, User } from '../../shared/documents.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

/** A call about all of them takes many turns of the event loop. */
const ROOMS = 3000;

/** Makes a call in each turn of the event loop. Returns how many are answered before `work` ends. */
async function servedMeanwhile(work: Promise<unknown>, call: () => Promise<unknown>): Promise<number> {
	let isDone = false;
	const end = work.finally(() => {
		isDone = true;
	});
	let served = 0;
	while (!isDone) {
		await new Promise(setImmediate);
		await call();
		if (!isDone) served++;
	}
	await end;
	return served;
}

describe('a user with many rooms', () => {
	let roomkey: TestRoomkey;
	let busy: Person;
	let other: Person;
	let admin: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey();
		busy = await addPerson(roomkey.store, { username: 'busy' });
		other = await addPerson(roomkey.store, { username: 'other' });
		admin = await addPerson(roomkey.store, { roles: ['admin', 'user'] });
		for (let i = 0; i < ROOMS; i++) {
			const rid = `room-${i}`;
			await roomkey.store.rooms.insertOne({
				_id: rid,
				t: 'p',
				name: rid,
				usersCount: 2,
				u: { _id: busy.id, username: 'busy' },
			});
			for (const { id, username } of [busy, other]) {
				const u = { _id: id, username };
				await roomkey.store.subscriptions.insertOne({ _id: `${rid}-${username}`, rid, u, t: 'p', name: rid });
			}
		}
	});
	afterEach(() => roomkey.close());

	const servedDuring = (work: Promise<unknown>) => servedMeanwhile(work, () => roomkey.call(other, 'me'));

	it('reads all rooms and memberships while others are served', async () => {
		for (const [name, idField] of [
			['rooms/get', '_id'],
			['subscriptions/get', 'rid'],
		] as const) {
			const read = roomkey.call(busy, name) as Promise<(Room & Subscription)[]>;
			expect(await servedDuring(read)).to.be.greaterThan(0);
			expect(new Set((await read).map((document) => document[idField])).size).to.equal(ROOMS);
		}
	});

	it('is renamed everywhere while others are served', async () => {
		const renamed = roomkey.call(admin, 'users.update', busy.id, { username: 'busier' });
		expect(await servedDuring(renamed)).to.be.greaterThan(0);
		const former = { 'u._id': busy.id, 'u.username': { $ne: 'busier' } };
		expect(await roomkey.store.subscriptions.countDocuments(former)).to.equal(0);
		expect(await roomkey.store.rooms.countDocuments(former)).to.equal(0);
	});

	it('is deleted while others are served; an aborted deletion can be repeated', async () => {
		const left = () => roomkey.store.subscriptions.countDocuments({ 'u._id': busy.id });
		const call = new AbortController();
		let changes = 0;
		roomkey.bus.on('changed', ({ collection }) => {
			if (collection === 'subscriptions' && ++changes === 100) call.abort();
		});
		const confirmRelinquish = true;
		const remove = (signal: AbortSignal) =>
			roomkey.callAs({ userId: admin.id, signal }, 'users.delete', busy.id, undefined, undefined, confirmRelinquish);
		expect(await rejection(remove(call.signal))).to.include({ error: 'error-timeout' });
		expect(await left()).to.be.within(1, ROOMS - 100);
		expect(((await roomkey.store.users.findOne({ _id: busy.id })) as User).active).to.equal(false);
		expect(await servedDuring(remove(new AbortController().signal))).to.be.greaterThan(0);
		expect(await left()).to.equal(0);
		expect(await roomkey.store.users.countDocuments({ _id: busy.id })).to.equal(0);
		expect(await roomkey.store.subscriptions.countDocuments({ 'u._id': other.id })).to.equal(ROOMS);
	});
});

describe('a room with many members', () => {
	const MEMBERS = 1500;
	let roomkey: TestRoomkey;
	let owner: Person;

	before(async () => {
		roomkey = await openRoomkey();
		owner = await addPerson(roomkey.store, { username: 'member-0' });
		await roomkey.store.rooms.insertOne({ _id: 'large', t: 'p', name: 'large', usersCount: MEMBERS });
		for (let i = 0; i < MEMBERS; i++) {
			const u = { _id: i === 0 ? owner.id : `id-${i}`, username: `member-${i}` };
			const roles = i === 0 ? { roles: ['owner'] } : {};
			await roomkey.store.subscriptions.insertOne({ _id: `s-${i}`, rid: 'large', t: 'p', name: 'large', u, ...roles });
		}
	});
	after(() => roomkey.close());

	const servedDuring = (work: Promise<unknown>) => servedMeanwhile(work, () => roomkey.call(owner, 'me'));

	it('is renamed and deleted while others are served; an aborted deletion can be repeated', async () => {
		const rename = roomkey.call(owner, 'rooms.saveRoomSettings', 'large', undefined, 'larger');
		expect(await servedDuring(rename)).to.be.greaterThan(0);
		expect(await roomkey.store.subscriptions.countDocuments({ rid: 'large', name: 'larger' })).to.equal(MEMBERS);
		const call = new AbortController();
		let changes = 0;
		roomkey.bus.on('changed', () => void (++changes === 200 && call.abort()));
		const remove = (signal: AbortSignal) => roomkey.callAs({ userId: owner.id, signal }, 'groups.delete', 'large');
		expect(await rejection(remove(call.signal))).to.include({ error: 'error-timeout' });
		expect(await roomkey.store.subscriptions.countDocuments({ rid: 'large' })).to.be.within(1, MEMBERS - 200);
		expect(await servedDuring(remove(new AbortController().signal))).to.be.greaterThan(0);
		expect(await roomkey.store.subscriptions.countDocuments({ rid: 'large' })).to.equal(0);
		expect(await roomkey.store.rooms.countDocuments({ _id: 'large' })).to.equal(0);
	});
});
