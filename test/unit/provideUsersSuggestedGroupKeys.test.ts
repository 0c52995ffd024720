/**
 * Offers of room keys (test/contract/rocketchat-e2e.md 2.3, 5.4, 10.4, 11, 12, 13; test/contract/beyond.md E6, T1). A number
 * after # is an issue of Rocket.Chat, listed in section 12.
 */
import { expect } from 'chai';
import { StoreUnavailableError } from '../../shared/errors.js';
import { type HookedStore, openHookedRoomkey } from '../support/hooks.js';
import { announcedBy, identity, membershipOf, publicKey, queueOf, sealed } from '../support/keys.js';
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
		({ roomkey, hooked } = await openHookedRoomkey());
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
		carol = await addPerson(roomkey.store, identity('carol'));
	});
	afterEach(() => roomkey.close());

	const waiting = (...people: Person[]) => people.map(({ id }) => ({ userId: id, ts: new Date() }));
	const provide = (as: Person | null, keys: unknown) => roomkey.call(as, NAME, keys);

	/** Stores a room without offers, whose key only alice holds. */
	async function addWaiting(others: readonly Person[], fields = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, others, { encrypted: true, e2eKeyId: 'k', ...fields });
		await addMember(roomkey.store, rid, alice, { E2EKey: sealed('k') });
		return rid;
	}

	const suggestionOf = async (rid: string, person: Person) =>
		(await membershipOf(roomkey.store, rid, person)).E2ESuggestedKey;

	it('notifies the members whose offers were stored if the store fails afterwards', async () => {
		const rid = await addWaiting([bob, carol]);
		const entries = [bob, carol].map(({ id }) => ({ _id: id, key: sealed('k') }));
		// The first offer is stored, the second is not.
		const fail = () => Promise.reject(new StoreUnavailableError('down'));
		hooked.before('subscriptions', 'findOneAndUpdate', fail, 1);
		const announced = await announcedBy(roomkey, () => rejection(provide(alice, { [rid]: entries })));
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`]);
	});

	it('offers keys in several rooms, and dequeues and notifies the members (5.4, 10.4)', async () => {
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

	it('notifies the room even if the member was not queued (10.4)', async () => {
		const rid = await addWaiting([bob]);
		const announced = await announcedBy(roomkey, () => provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k') }] }));
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`, `rooms ${rid}`]);
	});

	for (const [how, at] of [
		['a date', new Date(5000)],
		['ISO text', new Date(5000).toISOString()],
		['milliseconds', 5000],
	] as const) {
		it(`offers old keys too, with their time as ${how} (5.4)`, async () => {
			const rid = await addWaiting([bob]);
			const oldKeys = [{ e2eKeyId: 'former', ts: at, E2EKey: sealed('former') }];
			await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k'), oldKeys }] });
			const { suggestedOldRoomKeys } = await membershipOf(roomkey.store, rid, bob);
			expect(suggestedOldRoomKeys).to.deep.equal([{ ...oldKeys[0], ts: new Date(5000) }]);
		});
	}

	it('offers only the first ten old keys (2.3)', async () => {
		const rid = await addWaiting([bob]);
		const oldKeys = Array.from({ length: 12 }, (_, i) => ({ e2eKeyId: `k${i}`, ts: i, E2EKey: `old ${i}` }));
		await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k'), oldKeys }] });
		const { suggestedOldRoomKeys } = await membershipOf(roomkey.store, rid, bob);
		expect(suggestedOldRoomKeys?.map(({ E2EKey }) => E2EKey)).to.deep.equal(
			oldKeys.slice(0, 10).map((old) => old.E2EKey),
		);
	});

	it('succeeds and does nothing while E2E_Enable is off (5.4, 11)', async () => {
		await roomkey.store.settings.insertOne({ _id: 'E2E_Enable', value: false });
		const rid = await addWaiting([bob]);
		const announced = await announcedBy(roomkey, async () => {
			expect(await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('other') }] })).to.equal(undefined);
		});
		expect(announced).to.deep.equal([]);
		expect(await suggestionOf(rid, bob)).to.equal(undefined);
	});

	it('skips and names rooms of others, and users who are no members (5.4)', async () => {
		const own = await addWaiting([bob]);
		const foreign = await addRoom(roomkey.store, [bob], { e2eKeyId: 'k' });
		const channel = await addRoom(roomkey.store, [bob], { t: 'c', e2eKeyId: 'k' });
		const offers = () => [
			{ _id: bob.id, key: sealed('k') },
			{ _id: 'nobody', key: sealed('k') },
		];
		const answer = await provide(alice, {
			[foreign]: offers(),
			[channel]: offers(),
			nowhere: offers(),
			'': [],
			[own]: offers(),
		});
		const named = (rid: string, reason: string, ids: string[]) => ids.map((_id) => ({ rid, _id, reason }));
		expect(answer).to.deep.equal({
			skipped: [
				...[foreign, channel, 'nowhere'].flatMap((rid) => named(rid, 'room-not-accessible', [bob.id, 'nobody'])),
				...named(own, 'not-a-member', ['nobody']),
			],
		});
		expect(await suggestionOf(own, bob)).to.be.a('string');
		expect(await suggestionOf(foreign, bob)).to.equal(undefined);
		expect(await suggestionOf(channel, bob)).to.equal(undefined);
	});

	it('skips and names members with a key or an offer (12, #33405)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('k') });
		const first = sealed('k');
		await addMember(roomkey.store, rid, carol, { E2ESuggestedKey: first });
		const offers = [bob, carol].map(({ id }) => ({ _id: id, key: sealed('k') }));
		const announced = await announcedBy(roomkey, async () => {
			expect(await provide(alice, { [rid]: offers })).to.deep.equal({
				skipped: [
					{ rid, _id: bob.id, reason: 'already-holds-key' },
					{ rid, _id: carol.id, reason: 'already-offered' },
				],
			});
		});
		expect(announced).to.deep.equal([]);
		expect(await suggestionOf(rid, bob)).to.equal(undefined);
		expect(await suggestionOf(rid, carol)).to.equal(first);
	});

	it('lets the caller offer the first key to itself, as the mobile app does', async () => {
		const rid = await addRoom(roomkey.store, [alice, bob], { encrypted: true });
		await roomkey.call(alice, 'e2e.setRoomKeyID', rid, 'k');
		const { users } = (await roomkey.call(alice, 'e2e.getUsersOfRoomWithoutKey', rid)) as { users: { _id: string }[] };
		expect(users.map(({ _id }) => _id)).to.have.members([alice.id, bob.id]);
		const offers = users.map(({ _id }) => ({ _id, key: sealed('k') }));
		expect(await provide(alice, { [rid]: offers })).to.equal(undefined);
		for (const member of [alice, bob]) await roomkey.call(member, 'e2e.acceptSuggestedGroupKey', rid);
		expect(await roomkey.call(bob, 'e2e.roomState', rid)).to.include({ hasHolder: true, holders: 2 });
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('dequeues members who have the key (12, #33696)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { e2eKeyId: 'k', usersWaitingForE2EKeys: waiting(bob) });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('k') });
		await provide(alice, { [rid]: [{ _id: bob.id, key: sealed('k') }] });
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('stores the first of two keys for one member in one call', async () => {
		const rid = await addWaiting([bob]);
		const keys = [sealed('k'), sealed('k')];
		await provide(alice, { [rid]: keys.map((key) => ({ _id: bob.id, key })) });
		expect(await suggestionOf(rid, bob)).to.equal(keys[0]);
	});

	it('stores one of twenty keys that concurrent calls offer to a member', async () => {
		const rid = await addWaiting([carol]);
		const announced = await announcedBy(roomkey, () =>
			Promise.all(Array.from({ length: 20 }, () => provide(alice, { [rid]: [{ _id: carol.id, key: sealed('k') }] }))),
		);
		expect(announced.filter((line) => line.startsWith('sub'))).to.deep.equal([`subscriptions ${carol.id}`]);
	});

	it('skips and names only the key with another key id (E6)', async () => {
		const one = await addWaiting([bob]);
		const two = await addWaiting([bob, carol]);
		const map = {
			[two]: [
				{ _id: carol.id, key: sealed('former') },
				{ _id: bob.id, key: sealed('k') },
			],
			[one]: [{ _id: bob.id, key: sealed('k') }],
		};
		expect(await provide(alice, map)).to.deep.equal({
			skipped: [{ rid: two, _id: carol.id, reason: 'key-id-mismatch' }],
		});
		expect([await suggestionOf(one, bob), await suggestionOf(two, bob)]).to.not.include(undefined);
		expect(await suggestionOf(two, carol)).to.equal(undefined);
	});

	it('accepts and counts keys with another key id if `strictKeyIds` is off (E6)', async () => {
		const lenient = await openRoomkey(undefined, { strictKeyIds: false });
		for (const person of [alice, bob]) await addPerson(lenient.store, { _id: person.id, ...identity(person.username) });
		const rid = await addRoom(lenient.store, [alice, bob], { encrypted: true, e2eKeyId: 'k' });
		const [own, offered] = [sealed('other'), sealed('other')];
		await lenient.call(alice, 'e2e.updateGroupKey', rid, alice.id, own);
		expect(await lenient.call(alice, NAME, { [rid]: [{ _id: bob.id, key: offered }] })).to.equal(undefined);
		expect(await lenient.call(alice, 'e2e.roomState', rid)).to.include({ holders: 1, offered: 1 });
		await lenient.call(bob, 'e2e.acceptSuggestedGroupKey', rid);
		expect(await membershipOf(lenient.store, rid, bob)).to.include({ E2EKey: offered });
		expect(await lenient.call(alice, 'e2e.roomState', rid)).to.include({ holders: 2, offered: 0 });
		await lenient.close();
	});

	it('removes and names only the offers in a room whose key id changes meanwhile', async () => {
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
		const skipped = [bob, carol].map(({ id }) => ({ rid: one, _id: id, reason: 'key-id-mismatch' }));
		expect(await provide(alice, map))
			.to.have.property('skipped')
			.with.deep.members(skipped);
		expect([await suggestionOf(one, bob), await suggestionOf(one, carol)]).to.deep.equal([undefined, undefined]);
		expect(await queueOf(roomkey.store, one)).to.deep.equal([bob.id]);
		expect(await suggestionOf(two, bob)).to.be.a('string');
	});

	it('offers keys to 600 members of a room in one call', async () => {
		const people: Person[] = [];
		for (let i = 0; i < 600; i++) people.push(await addPerson(roomkey.store, identity(`${i}`)));
		const rid = await addWaiting(people);
		expect(await provide(alice, { [rid]: people.map(({ id }) => ({ _id: id, key: sealed('k') })) })).to.equal(
			undefined,
		);
		const offered = { rid, E2ESuggestedKey: { $exists: true } };
		expect(await roomkey.store.subscriptions.countDocuments(offered)).to.equal(600);
	});

	it('processes the first 1,000 entries and the first 500 rooms, and names the others', async () => {
		const rid = await addWaiting([bob, carol]);
		const nonMembers = (count: number) => Array.from({ length: count }, (_, i) => ({ _id: `user ${i}`, key: 'key' }));
		const last = [bob, carol].map(({ id }) => ({ _id: id, key: sealed('k') }));
		const answer = (await provide(alice, { nowhere: nonMembers(999), [rid]: last })) as { skipped: unknown[] };
		expect(answer.skipped).to.have.length(1000);
		expect(answer.skipped).to.deep.include({ rid, _id: carol.id, reason: 'over-limit' });
		expect(await suggestionOf(rid, bob)).to.be.a('string');
		const rooms = Array.from({ length: 500 }, (_, i) => [`room ${i}`, nonMembers(1)]);
		const many = (await provide(alice, { ...Object.fromEntries(rooms), [rid]: last })) as { skipped: unknown[] };
		expect(many.skipped).to.deep.include({ rid, _id: bob.id, reason: 'over-limit' });
	});

	it('names at most 2,000 skipped entries, and counts the others', async () => {
		const answer = await provide(alice, { nowhere: Array.from({ length: 2500 }, () => 0) });
		expect(answer).to.have.property('skipped').with.length(2000);
		expect(answer).to.have.property('moreSkipped', 500);
	});

	it('skips and names invalid entries, and offers the other keys (13)', async () => {
		const rid = await addWaiting([bob, carol]);
		const key = sealed('k');
		const old = { e2eKeyId: 'a', ts: 1, E2EKey: 'b' };
		const long = 'k'.repeat(4097);
		for (const bad of [
			{ _id: carol.id },
			{ _id: carol.id, key: '' },
			{ _id: carol.id, key: long },
			{ _id: carol.id, key: 5 },
			{ _id: carol.id, key: null },
			{ _id: carol.id, key, oldKeys: null },
			{ _id: carol.id, key, oldKeys: [{ ...old, ts: 'yesterday' }] },
			{ _id: carol.id, key, oldKeys: [{ ...old, ts: Number.NaN }] },
			{ _id: carol.id, key, oldKeys: [{ ...old, E2EKey: {} }] },
			{ _id: carol.id, key, oldKeys: [{ ...old, E2EKey: long }] },
			{ _id: carol.id, key, oldKeys: [{ ...old, e2eKeyId: '' }] },
		]) {
			const skipped = [{ rid, _id: carol.id, reason: 'invalid-entry' }];
			expect(await provide(alice, { [rid]: [bad] }), JSON.stringify(bad)).to.deep.equal({ skipped });
		}
		for (const bad of [{}, null, 'entry', { _id: { $ne: 1 }, key }]) {
			expect(await provide(alice, { [rid]: [bad] })).to.deep.equal({ skipped: [{ rid, reason: 'invalid-entry' }] });
		}
		const mixed = { [rid]: [{ _id: carol.id }, { _id: bob.id, key: sealed('k') }], other: 'no list' };
		expect(await provide(alice, mixed)).to.deep.equal({
			skipped: [
				{ rid, _id: carol.id, reason: 'invalid-entry' },
				{ rid: 'other', reason: 'invalid-entry' },
			],
		});
		expect(await suggestionOf(rid, bob)).to.be.a('string');
		expect(await suggestionOf(rid, carol)).to.equal(undefined);
	});

	it('checks the arguments before it requires a user', async () => {
		for (const map of [undefined, null, [], 'map']) {
			expect((await rejection(provide(null, map))).message).to.match(/^Match error/);
		}
		expect(await rejection(provide(null, {}))).to.deep.include({
			error: 'error-invalid-user',
			details: { method: NAME },
		});
	});

	it("ends another provider's reservation of a member who receives an offer (T1)", async () => {
		const rid = await addWaiting([bob]);
		await addMember(roomkey.store, rid, carol, { E2EKey: sealed('k') });
		await roomkey.call(alice, FETCH, [rid]);
		await provide(carol, { [rid]: [{ _id: bob.id, key: sealed('k') }] });
		await roomkey.call(bob, 'e2e.rejectSuggestedGroupKey', rid);
		expect(await roomkey.call(carol, FETCH, [rid])).to.deep.equal({
			usersWaitingForE2EKeys: { [rid]: [{ _id: bob.id, public_key: publicKey('bob') }] },
		});
	});

	it('accepts a room whose id is the name of an inherited property', async () => {
		await roomkey.store.rooms.insertOne({ _id: 'constructor', t: 'p', e2eKeyId: 'k' });
		for (const member of [alice, bob]) await addMember(roomkey.store, 'constructor', member);
		await provide(alice, { constructor: [{ _id: bob.id, key: sealed('k') }] });
		expect(await suggestionOf('constructor', bob)).to.be.a('string');
	});
});
