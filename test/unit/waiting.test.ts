/**
 * Lists of members without the key of a room, and requests for the key. In titles, E and T are rows of
 * test/contract/beyond.md, and other numbers are sections of rocketchat-e2e.md. A number after # is an issue of
 * Rocket.Chat, listed in section 12.
 */
import { expect } from 'chai';
import { announcedBy, identity, membershipOf, publicKey, queueOf, sealed, unfitKeys } from '../support/keys.js';
import type { Person } from '../support/people.js';
import { addMember, addPerson, addRoom } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { during } from '../support/settings.js';

const LIST = 'e2e.getUsersOfRoomWithoutKey';
const REQUEST = 'e2e.requestSubscriptionKeys';
const FETCH = 'e2e.fetchUsersWaitingForGroupKey';

interface Listed {
	users: { _id: string; e2e: { public_key: string } }[];
	total?: number;
}

interface Fetched {
	usersWaitingForE2EKeys: Record<string, { _id: string; public_key: string }[]>;
}

describe('members without the key of a room', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;
	let carol: Person;

	beforeEach(() => open());
	afterEach(() => roomkey.close());

	async function open(options: Parameters<typeof openRoomkey>[1] = {}): Promise<void> {
		roomkey = await openRoomkey(undefined, options);
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
		carol = await addPerson(roomkey.store, identity('carol'));
	}

	/** Stores a room whose key alice and carol hold, and `others` wait for. */
	async function addWaiting(others: readonly Person[], fields = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, others, { encrypted: true, e2eKeyId: 'k', ...fields });
		for (const holder of [alice, carol]) await addMember(roomkey.store, rid, holder, { E2EKey: sealed('k') });
		return rid;
	}

	function addUsers(size: number): Promise<Person[]> {
		return Promise.all(Array.from({ length: size }, (_, i) => addPerson(roomkey.store, identity(`member ${i}`))));
	}

	describe(`${LIST} (4.5)`, () => {
		const list = (as: Person | null, ...params: unknown[]) => roomkey.call(as, LIST, ...params) as Promise<Listed>;

		it('lists all members with a public key and without the room key (4.5)', async () => {
			const dave = await addPerson(roomkey.store);
			const rid = await addRoom(roomkey.store, [alice, dave], { e2eKeyId: 'k' });
			await addMember(roomkey.store, rid, bob, { E2ESuggestedKey: sealed('k') });
			await addMember(roomkey.store, rid, carol, { E2EKey: sealed('k') });
			const { users, ...rest } = await list(alice, rid);
			expect(rest).to.deep.equal({});
			expect(users).to.have.deep.members([
				{ _id: alice.id, e2e: { public_key: publicKey('alice') } },
				{ _id: bob.id, e2e: { public_key: publicKey('bob') } },
			]);
		});

		it('returns the page that count and offset name, and the total length (T3)', async () => {
			const rid = await addRoom(roomkey.store, await addUsers(12), { t: 'c' });
			const whole = (await list(alice, rid)).users;
			expect(whole).to.have.length(12);
			expect(await list(alice, rid, 5, 4)).to.deep.equal({ users: whole.slice(4, 9), total: 12 });
			expect(await list(alice, rid, 5)).to.deep.equal({ users: whole.slice(0, 5), total: 12 });
			expect(await list(alice, rid, undefined, 10)).to.deep.equal({ users: whole.slice(10), total: 12 });
			expect(await list(alice, rid, 0, 0)).to.deep.equal({ users: whole, total: 12 });
			expect(await list(alice, rid, 5, 100)).to.deep.equal({ users: [], total: 12 });
		});

		it('returns pages longer than the 500 memberships that it reads at once (T3)', async () => {
			const rid = await addRoom(roomkey.store, [], { t: 'c' });
			const add = async (i: number) => {
				const id = `member-${String(i).padStart(4, '0')}`;
				await roomkey.store.users.insertOne({ _id: id, username: id, ...identity(id) });
				await addMember(roomkey.store, rid, { id, username: id, token: '' });
			};
			for (let i = 0; i < 1100; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => add(i + j)));
			const ids = ({ users }: Listed) => users.map(({ _id }) => Number(_id.slice(-4)));
			expect(ids(await list(alice, rid))).to.deep.equal(Array.from({ length: 1100 }, (_, i) => i));
			const part = await list(alice, rid, 600, 450);
			expect(ids(part)).to.deep.equal(Array.from({ length: 600 }, (_, i) => i + 450));
			expect(part.total).to.equal(1100);
		});

		it('refuses unknown or inaccessible rooms, and invalid counts (4.5)', async () => {
			const rid = await addRoom(roomkey.store, [bob]);
			for (const [room, method] of [
				['', 'canAccessRoom'],
				['nowhere', 'canAccessRoom'],
				[rid, LIST],
			] as const) {
				expect(await rejection(list(alice, room))).to.deep.include({
					error: 'error-invalid-room',
					details: { method },
				});
			}
			for (const count of [-1, 1.5, '5', Number.NaN]) {
				expect((await rejection(list(bob, rid, count))).message).to.match(/^Match error/);
			}
			expect(await rejection(list(null, rid))).to.deep.include({
				error: 'error-invalid-user',
				details: { method: LIST },
			});
		});
	});

	describe(`${REQUEST} (4.6)`, () => {
		it('requests the key in each room whose key the caller lacks (4.6, 10.4)', async () => {
			const wanted = await addRoom(roomkey.store, [alice], { e2eKeyId: 'k' });
			const alsoWanted = await addRoom(roomkey.store, [alice], { e2eKeyId: 'k2', encrypted: true });
			await addRoom(roomkey.store, [alice], { encrypted: true });
			await addRoom(roomkey.store, [alice], { e2eKeyId: '' });
			await addRoom(roomkey.store, [bob], { e2eKeyId: 'k' });
			await addWaiting([bob]);
			const announced = await announcedBy(roomkey, async () =>
				expect(await roomkey.call(alice, REQUEST)).to.equal(true),
			);
			expect(announced).to.have.members([
				`notify notify-room ${wanted}/e2e.keyRequest k`,
				`notify notify-room ${alsoWanted}/e2e.keyRequest k2`,
			]);
		});

		it('requests nothing while E2E_Enable is off (E13)', async () => {
			await addRoom(roomkey.store, [alice], { e2eKeyId: 'k' });
			await during(roomkey.store, 'E2E_Enable', false, async () => {
				const announced = await announcedBy(roomkey, async () =>
					expect(await roomkey.call(alice, REQUEST)).to.equal(true),
				);
				expect(announced).to.deep.equal([]);
			});
		});

		it('requests the keys of 450 rooms, more than it reads in one page (4.6)', async () => {
			const rids: string[] = [];
			for (let i = 0; i < 450; i++) rids.push(await addRoom(roomkey.store, [bob], { e2eKeyId: 'k' }));
			const announced = await announcedBy(roomkey, () => roomkey.call(bob, REQUEST));
			expect(announced).to.have.members(rids.map((rid) => `notify notify-room ${rid}/e2e.keyRequest k`));
		});

		it('archives a key with another key id, and requests the present key', async () => {
			const rid = await addRoom(roomkey.store, [], { e2eKeyId: 'k', encrypted: true });
			const key = sealed('unused key id');
			await addMember(roomkey.store, rid, alice, { E2EKey: key });
			const announced = await announcedBy(roomkey, () => roomkey.call(alice, REQUEST));
			expect(announced).to.deep.equal([
				`subscriptions ${alice.id}`,
				`rooms ${rid}`,
				`notify notify-room ${rid}/e2e.keyRequest k`,
			]);
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys?.[0]).to.include({ E2EKey: key });
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('requires a user (4.6)', async () => {
			expect(await rejection(roomkey.call(null, REQUEST))).to.include({ error: 'error-invalid-user' });
		});
	});

	/** A provider is a holder of the key who fetches waiting members. Fetched members are reserved for the provider. */
	describe(`${FETCH} (5.3)`, () => {
		const fetchIds = async (as: Person, ...rids: string[]) => {
			const { usersWaitingForE2EKeys } = (await roomkey.call(as, FETCH, rids)) as Fetched;
			return Object.fromEntries(
				Object.entries(usersWaitingForE2EKeys).map(([rid, users]) => [rid, users.map(({ _id }) => _id).sort()]),
			);
		};
		const ids = (people: readonly Person[]) => people.map(({ id }) => id).sort();

		it('lists members with a public key and neither room key nor offer (5.3)', async () => {
			const dave = await addPerson(roomkey.store);
			const rid = await addWaiting([bob, dave]);
			const offered = await addPerson(roomkey.store, identity());
			await addMember(roomkey.store, rid, offered, { E2ESuggestedKey: sealed('k') });
			const invited = await addPerson(roomkey.store, identity());
			await addMember(roomkey.store, rid, invited, { status: 'INVITED' });
			expect(await roomkey.call(alice, FETCH, [rid])).to.deep.equal({
				usersWaitingForE2EKeys: { [rid]: [{ _id: bob.id, public_key: publicKey('bob') }] },
			});
		});

		it('lists members with an unfit public key separately for a holder', async () => {
			const rid = await addWaiting([bob]);
			const unfit: Person[] = [];
			for (const public_key of unfitKeys()) unfit.push(await addPerson(roomkey.store, { e2e: { public_key } }));
			for (const member of unfit) await addMember(roomkey.store, rid, member);
			const answer = (await roomkey.call(alice, FETCH, [rid])) as Fetched & {
				unfitPublicKeys: Record<string, string[]>;
			};
			expect(answer.usersWaitingForE2EKeys[rid]?.map(({ _id }) => _id)).to.deep.equal([bob.id]);
			expect(answer.unfitPublicKeys[rid]).to.have.members(ids(unfit));
			// Bob holds no room key and seals nothing, so these members are listed for him. Rocket.Chat's own test makes such a call.
			expect((await fetchIds(bob, rid))[rid]).to.deep.equal(ids(unfit));
		});

		it('leaves out the caller, and rooms without waiting members (5.3)', async () => {
			const rid = await addRoom(roomkey.store, [bob]);
			const none = await addWaiting([]);
			expect(await roomkey.call(bob, FETCH, [rid, none])).to.deep.equal({ usersWaitingForE2EKeys: {} });
		});

		it('leaves out rooms that the caller may not see (12 #41953, 5.3)', async () => {
			const own = await addWaiting([bob]);
			const foreign = await addRoom(roomkey.store, [bob], { e2eKeyId: 'k', encrypted: true });
			expect(await fetchIds(alice, foreign)).to.deep.equal({});
			expect(await fetchIds(alice, foreign, own, 'nowhere', '', own)).to.deep.equal({ [own]: [bob.id] });
		});

		it('returns no members while E2E_Enable is off (5.3, 11)', async () => {
			await roomkey.store.settings.insertOne({ _id: 'E2E_Enable', value: false });
			const rid = await addWaiting([bob]);
			expect(await roomkey.call(alice, FETCH, [rid])).to.deep.equal({ usersWaitingForE2EKeys: {} });
		});

		it('lists members of unencrypted rooms, and members outside the queue (5.3)', async () => {
			const rid = await addWaiting([bob], { encrypted: false });
			expect(await fetchIds(alice, rid)).to.deep.equal({ [rid]: [bob.id] });
		});

		it('returns 50 members at most, and the others to another provider (5.3, T1)', async () => {
			const users = await addUsers(80);
			const rid = await addWaiting(users);
			const first = (await fetchIds(alice, rid))[rid] ?? [];
			const second = (await fetchIds(carol, rid))[rid] ?? [];
			expect([first.length, second.length]).to.deep.equal([50, 30]);
			expect([...first, ...second].sort()).to.deep.equal(ids(users));
		});

		it('removes members from the queue who do not wait any more (12 #33696)', async () => {
			const gone = await addPerson(roomkey.store);
			const rid = await addWaiting([bob]);
			const queue = [carol, bob, gone].map(({ id }) => ({ userId: id, ts: new Date() }));
			await roomkey.store.rooms.updateOne({ _id: rid }, { $set: { encrypted: true, usersWaitingForE2EKeys: queue } });
			const announced = await announcedBy(roomkey, () => fetchIds(alice, rid));
			expect(announced).to.deep.equal([`rooms ${rid}`]);
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
			expect(await announcedBy(roomkey, () => fetchIds(alice, rid))).to.deep.equal([]);
		});

		it('refuses more than 500 rooms', async () => {
			const rids = Array.from({ length: 501 }, (_, i) => `room ${i}`);
			expect(await rejection(roomkey.call(alice, FETCH, rids))).to.deep.include({
				error: 'error-too-many-rooms',
				details: { method: FETCH },
			});
			expect(await fetchIds(alice, ...rids.slice(1))).to.deep.equal({});
		});

		it('checks its argument, and then requires a user', async () => {
			for (const param of [undefined, 'room', [5], { $ne: 1 }]) {
				expect((await rejection(roomkey.call(null, FETCH, param))).message).to.match(/^Match error/);
			}
			expect(await rejection(roomkey.call(null, FETCH, []))).to.include({ error: 'error-invalid-user' });
		});

		it('reserves a member for the provider who fetched the member first (T1)', async () => {
			const rid = await addWaiting([bob]);
			for (let i = 0; i < 3; i++) expect(await fetchIds(alice, rid)).to.deep.equal({ [rid]: [bob.id] });
			expect(await fetchIds(carol, rid)).to.deep.equal({});
		});

		it('returns each member to exactly one of a hundred providers (T1)', async () => {
			const providers = await addUsers(100);
			const users = await addUsers(100);
			const rid = await addRoom(roomkey.store, users, { encrypted: true, e2eKeyId: 'k' });
			for (const provider of providers) await addMember(roomkey.store, rid, provider, { E2EKey: sealed('k') });
			const fetched = await Promise.all(providers.map((provider) => fetchIds(provider, rid)));
			expect(fetched.flatMap((rooms) => rooms[rid] ?? []).sort()).to.deep.equal(ids(users));
		});

		it('reserves a user in each room separately (T1)', async () => {
			const one = await addWaiting([bob]);
			const other = await addWaiting([bob]);
			expect(await fetchIds(alice, one)).to.deep.equal({ [one]: [bob.id] });
			expect(await fetchIds(carol, one, other)).to.deep.equal({ [other]: [bob.id] });
		});

		it('reserves no members for a caller who cannot provide the key (T1)', async () => {
			const rid = await addWaiting([bob]);
			const dave = await addPerson(roomkey.store, identity('dave'));
			await addMember(roomkey.store, rid, dave);
			const erin = await addPerson(roomkey.store, identity('erin'));
			await addMember(roomkey.store, rid, erin, { E2EKey: sealed('former') });
			expect(await fetchIds(dave, rid)).to.deep.equal({ [rid]: [bob.id] });
			expect(await fetchIds(erin, rid)).to.deep.equal({ [rid]: ids([bob, dave]) });
			expect(await fetchIds(alice, rid)).to.deep.equal({ [rid]: ids([bob, dave]) });
			expect(await fetchIds(dave, rid)).to.deep.equal({ [rid]: [bob.id] });
		});

		it('returns a member to another provider after a rejected offer (T1)', async () => {
			const rid = await addWaiting([bob]);
			await fetchIds(alice, rid);
			await roomkey.call(alice, 'e2e.updateGroupKey', rid, bob.id, sealed('k'));
			await roomkey.call(bob, 'e2e.rejectSuggestedGroupKey', rid);
			expect(await fetchIds(carol, rid)).to.deep.equal({ [rid]: [bob.id] });
		});

		it('returns every member to every provider if the reservation time is 0 (T1)', async () => {
			await roomkey.close();
			await open({ leaseTime: 0 });
			const rid = await addWaiting([bob]);
			for (const provider of [alice, carol]) expect(await fetchIds(provider, rid)).to.deep.equal({ [rid]: [bob.id] });
		});
	});
});
