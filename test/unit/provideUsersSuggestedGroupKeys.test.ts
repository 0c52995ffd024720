import { expect } from 'chai';
import { type HookedStore, hookedStore } from '../support/hooks.js';
import { announcedBy, identity, placeOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.provideUsersSuggestedGroupKeys';
const FETCH = 'e2e.fetchUsersWaitingForGroupKey';

describe('e2e.provideUsersSuggestedGroupKeys (5.4)', () => {
	let roomkey: TestRoomkey;
	let hooked: HookedStore;
	let alice: Person;
	let bob: Person;
	let carol: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey(undefined, {}, (store) => {
			hooked = hookedStore(store);
			return hooked.store;
		});
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
		carol = await addPerson(roomkey.store, identity('carol'));
	});
	afterEach(() => roomkey.close());

	const waiting = (...people: Person[]) => people.map(({ id }) => ({ userId: id, ts: new Date() }));
	const provide = (as: Person | null, keys: unknown) => roomkey.call(as, NAME, keys);

	/** A room whose key alice holds and these others do not. */
	async function addWaiting(others: readonly Person[], fields = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, others, { encrypted: true, e2eKeyId: 'k', ...fields });
		await addMember(roomkey.store, rid, alice, { E2EKey: sealed('k') });
		return rid;
	}

	const suggestionOf = async (rid: string, person: Person) =>
		(await placeOf(roomkey.store, rid, person)).E2ESuggestedKey;

	it('5.4, 10.4: offers keys in several rooms, takes the members out of the queues, and tells them and the rooms', async () => {
		const one = await addWaiting([bob, carol], { usersWaitingForE2EKeys: waiting(bob, carol) });
		const two = await addWaiting([bob], { usersWaitingForE2EKeys: waiting(bob) });
		const keys = [sealed('k'), sealed('k')];
		const announced = await announcedBy(roomkey, async () => {
			const map = { [one]: [{ _id: bob.id, key: keys[0] }], [two]: [{ _id: bob.id, key: keys[1] }] };
			expect(await provide(alice, map)).to.equal(undefined);
		});
		expect([await suggestionOf(one, bob), await suggestionOf(two, bob)]).to.deep.equal(keys);
		expect([await queueOf(roomkey.store, one), await queueOf(roomkey.store, two)]).to.deep.equal([[carol.id], null]);
		expect(announced).to.have.members([
			`subscriptions ${bob.id}`,
			`rooms ${one}`,
			`subscriptions ${bob.id}`,
			`rooms ${two}`,
		]);
	});

	it('10.4: tells the room also of a member who was not in the queue, which holds only 50', async () => {
		const rid = await addWaiting([bob]);
		const announced = await announcedBy(roomkey, () => provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k') }] }));
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`, `rooms ${rid}`]);
	});

	for (const [how, at] of [
		['a date', new Date(5000)],
		['ISO text', new Date(5000).toISOString()],
		['milliseconds', 5000],
	] as const) {
		it(`5.4: old keys come along, their time as ${how}`, async () => {
			const rid = await addWaiting([bob]);
			const oldKeys = [{ e2eKeyId: 'former', ts: at, E2EKey: sealed('former') }];
			await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k'), oldKeys }] });
			const { suggestedOldRoomKeys } = await placeOf(roomkey.store, rid, bob);
			expect(suggestedOldRoomKeys).to.deep.equal([{ ...oldKeys[0], ts: new Date(5000) }]);
		});
	}

	it('2.3: of old keys the first ten are kept', async () => {
		const rid = await addWaiting([bob]);
		const oldKeys = Array.from({ length: 12 }, (_, i) => ({ e2eKeyId: `k${i}`, ts: i, E2EKey: `old ${i}` }));
		await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k'), oldKeys }] });
		const { suggestedOldRoomKeys } = await placeOf(roomkey.store, rid, bob);
		expect(suggestedOldRoomKeys?.map(({ E2EKey }) => E2EKey)).to.deep.equal(
			oldKeys.slice(0, 10).map((old) => old.E2EKey),
		);
	});

	it('5.4, 11: with E2E_Enable off it succeeds and does nothing', async () => {
		await roomkey.store.settings.insertOne({ _id: 'E2E_Enable', value: false });
		const rid = await addWaiting([bob]);
		const announced = await announcedBy(roomkey, async () => {
			expect(await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('other') }] })).to.equal(undefined);
		});
		expect(announced).to.deep.equal([]);
		expect(await suggestionOf(rid, bob)).to.equal(undefined);
	});

	it('5.4: rooms the caller may not see, or is no member of, are passed over; so are strangers', async () => {
		const own = await addWaiting([bob]);
		const foreign = await addRoom(roomkey.store, [bob], { e2eKeyId: 'k' });
		const channel = await addRoom(roomkey.store, [bob], { t: 'c', e2eKeyId: 'k' });
		const offers = () => [
			{ _id: bob.id, key: sealed('k') },
			{ _id: 'nobody', key: sealed('k') },
		];
		await provide(alice, { [foreign]: offers(), [channel]: offers(), nowhere: offers(), '': [], [own]: offers() });
		expect(await suggestionOf(own, bob)).to.be.a('string');
		expect(await suggestionOf(foreign, bob)).to.equal(undefined);
		expect(await suggestionOf(channel, bob)).to.equal(undefined);
	});

	it('12 (#33405, #33516), T1: the caller, holders and those with an offer are passed over, and nobody is told', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, alice);
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('k') });
		const first = sealed('k');
		await addMember(roomkey.store, rid, carol, { E2ESuggestedKey: first });
		const offers = [alice, bob, carol].map(({ id }) => ({ _id: id, key: sealed('k') }));
		expect(await announcedBy(roomkey, () => provide(alice, { [rid]: offers }))).to.deep.equal([]);
		expect(await suggestionOf(rid, alice)).to.equal(undefined);
		expect(await suggestionOf(rid, bob)).to.equal(undefined);
		expect(await suggestionOf(rid, carol)).to.equal(first);
	});

	it('12 (#33696): a holder who is still in the queue leaves it', async () => {
		const rid = await addRoom(roomkey.store, [alice], { e2eKeyId: 'k', usersWaitingForE2EKeys: waiting(bob) });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('k') });
		await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k') }] });
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('of two keys for one member the first counts; of twenty calls at once one is heard', async () => {
		const rid = await addWaiting([bob, carol]);
		const keys = [sealed('k'), sealed('k')];
		await provide(alice, { [rid]: keys.map((key) => ({ _id: bob.id, key })) });
		expect(await suggestionOf(rid, bob)).to.equal(keys[0]);
		const announced = await announcedBy(roomkey, () =>
			Promise.all(Array.from({ length: 20 }, () => provide(alice, { [rid]: [{ _id: carol.id, key: sealed('k') }] }))),
		);
		expect(announced.filter((line) => line.startsWith('sub'))).to.deep.equal([`subscriptions ${carol.id}`]);
	});

	it('E6: one key of another key id refuses the whole call before anything is written', async () => {
		const one = await addWaiting([bob]);
		const two = await addWaiting([bob, carol]);
		const announced = await announcedBy(roomkey, async () => {
			const map = {
				[one]: [{ _id: bob.id, key: sealed('k') }],
				[two]: [
					{ _id: bob.id, key: sealed('k') },
					{ _id: carol.id, key: sealed('former') },
				],
			};
			expect(await rejection(provide(alice, map))).to.deep.include({
				error: 'error-key-id-mismatch',
				details: { method: NAME },
			});
		});
		expect(announced).to.deep.equal([]);
		expect([await suggestionOf(one, bob), await suggestionOf(two, bob)]).to.deep.equal([undefined, undefined]);
	});

	it('offers that a reset of the room has overtaken are taken back and refused; those in other rooms stand', async () => {
		const one = await addWaiting([bob, carol], { usersWaitingForE2EKeys: waiting(bob) });
		const two = await addWaiting([bob]);
		hooked.before('subscriptions', 'findOneAndUpdate', () =>
			roomkey.store.rooms.updateOne({ _id: one }, { $set: { e2eKeyId: 'next' } }),
		);
		const map = {
			[one]: [
				{ _id: bob.id, key: sealed('k') },
				{ _id: carol.id, key: sealed('k') },
			],
			[two]: [{ _id: bob.id, key: sealed('k') }],
		};
		expect(await rejection(provide(alice, map))).to.include({ error: 'error-key-id-mismatch' });
		expect([await suggestionOf(one, bob), await suggestionOf(one, carol)]).to.deep.equal([undefined, undefined]);
		expect(await queueOf(roomkey.store, one)).to.deep.equal([bob.id]);
		expect(await suggestionOf(two, bob)).to.be.a('string');
	});

	it('refuses more than 100 keys of a room, 1,000 in all, or 500 rooms', async () => {
		const offers = (count: number) => Array.from({ length: count }, (_, i) => ({ _id: `user ${i}`, key: 'key' }));
		const rooms = (count: number, each: number) =>
			Object.fromEntries(Array.from({ length: count }, (_, i) => [`room ${i}`, offers(each)]));
		for (const map of [rooms(1, 101), rooms(11, 91), rooms(501, 1)]) {
			expect(await rejection(provide(alice, map))).to.deep.include({
				error: 'error-too-many-keys',
				details: { method: NAME },
			});
		}
		for (const map of [{}, rooms(1, 0), rooms(10, 100), rooms(500, 2)])
			expect(await provide(alice, map)).to.equal(undefined);
	});

	it('13: refuses keys and old keys that are blank or too long, before anything is written', async () => {
		const rid = await addWaiting([bob, carol]);
		const good = { _id: bob.id, key: sealed('k') };
		const long = 'k'.repeat(4097);
		for (const [bad, error] of [
			[{ key: '' }, 'error-invalid-key'],
			[{ key: long }, 'error-invalid-key'],
			[{ key: sealed('k'), oldKeys: [{ e2eKeyId: 'a', ts: 1, E2EKey: long }] }, 'error-invalid-key'],
			[{ key: sealed('k'), oldKeys: [{ e2eKeyId: '', ts: 1, E2EKey: 'a' }] }, 'error-invalid-key-id'],
		] as const) {
			const refused = await rejection(provide(alice, { [rid]: [good, { _id: carol.id, ...bad }] }));
			expect(refused).to.deep.include({ error, details: { method: NAME } });
		}
		expect(await suggestionOf(rid, bob)).to.equal(undefined);
	});

	it('checks the shape of all it is given, and then who calls', async () => {
		const old = { e2eKeyId: 'a', ts: 1, E2EKey: 'b' };
		for (const offer of [
			{},
			{ _id: 'bob' },
			{ _id: { $ne: 1 }, key: 'key' },
			{ _id: 'bob', key: 5 },
			{ _id: 'bob', key: 'key', oldKeys: null },
			{ _id: 'bob', key: 'key', oldKeys: [{ ...old, ts: 'yesterday' }] },
			{ _id: 'bob', key: 'key', oldKeys: [{ ...old, ts: Number.NaN }] },
			{ _id: 'bob', key: 'key', oldKeys: [{ ...old, ts: null }] },
			{ _id: 'bob', key: 'key', oldKeys: [{ ...old, E2EKey: {} }] },
		]) {
			expect((await rejection(provide(null, { rid: [offer] }))).message, JSON.stringify(offer)).to.match(
				/^Match error/,
			);
		}
		for (const map of [undefined, null, [], 'map', { rid: {} }, { rid: null }]) {
			expect((await rejection(provide(null, map))).message).to.match(/^Match error/);
		}
		expect(await rejection(provide(null, {}))).to.deep.include({
			error: 'error-invalid-user',
			details: { method: NAME },
		});
	});

	it('T1: who was provided for is left to nobody any more', async () => {
		const rid = await addWaiting([bob]);
		await addMember(roomkey.store, rid, carol, { E2EKey: sealed('k') });
		await roomkey.call(alice, FETCH, [rid]);
		await provide(carol, { [rid]: [{ _id: bob.id, key: sealed('k') }] });
		await roomkey.call(bob, 'e2e.rejectSuggestedGroupKey', rid);
		expect(await roomkey.call(carol, FETCH, [rid])).to.deep.equal({
			usersWaitingForE2EKeys: { [rid]: [{ _id: bob.id, public_key: 'public key of bob' }] },
		});
	});

	it('a room named like a part of every object is a room like any other', async () => {
		await roomkey.store.rooms.insertOne({ _id: 'constructor', t: 'p', e2eKeyId: 'k' });
		for (const member of [alice, bob]) await addMember(roomkey.store, 'constructor', member);
		await provide(alice, { constructor: [{ _id: bob.id, key: sealed('k') }] });
		expect(await suggestionOf('constructor', bob)).to.be.a('string');
	});
});
