/** `e2e.roomState` (test/contract/beyond.md E2, E11, E12, E13, E14, T3), and who holds a key. */
import { expect } from 'chai';
import { hasHolder, isLastHolder } from '../../methods/model/keys/keyHolders.js';
import { markKeyStale } from '../../methods/model/keys/staleKey.js';
import { dropCachedSetting } from '../../methods/model/settings/workspace.js';
import type { EventPayloads } from '../../shared/events.js';
import { identity, sealed, unfitKeys } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.roomState';
const KEY = 'present-key';
const IDENTITY = identity();

type Answer = Record<string, unknown> & { members: { _id: string; username: string; state: string }[] };

describe('e2e.roomState', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;
	let noIdentity: Person;
	let stranger: Person;
	const state = async (rid: string, ...page: unknown[]) => (await roomkey.call(alice, NAME, rid, ...page)) as Answer;

	before(async () => {
		roomkey = await openRoomkey();
		// The method lists members in the order of their ids.
		alice = await addPerson(roomkey.store, { _id: 'person-1', ...IDENTITY });
		bob = await addPerson(roomkey.store, { _id: 'person-2', ...IDENTITY });
		noIdentity = await addPerson(roomkey.store, { _id: 'person-3' });
		stranger = await addPerson(roomkey.store, IDENTITY);
	});
	after(() => roomkey.close());

	it('lists the members with their states, and counts the states (E2)', async () => {
		const { store } = roomkey;
		const rid = await addRoom(store, [], { encrypted: true, e2eKeyId: KEY });
		const holder = await addPerson(store, { _id: 'person-4', ...IDENTITY });
		const late = await addPerson(store, { _id: 'person-5', ...IDENTITY });
		await addMember(store, rid, alice);
		await addMember(store, rid, bob, { E2ESuggestedKey: sealed(KEY) });
		await addMember(store, rid, noIdentity);
		await addMember(store, rid, holder, { E2EKey: sealed(KEY), E2ESuggestedKey: sealed(KEY) });
		await addMember(store, rid, late, { E2EKey: sealed('former'), E2ESuggestedKey: sealed('former') });
		await addMember(store, rid, stranger, { status: 'INVITED', E2EKey: sealed(KEY) });
		expect(await state(rid)).to.deep.equal({
			rid,
			encrypted: true,
			keyID: KEY,
			hasHolder: true,
			holders: 1,
			offered: 1,
			waiting: 2,
			withoutIdentityKey: 1,
			unfitKeys: 0,
			inactive: 0,
			members: [
				{ _id: alice.id, username: alice.username, state: 'waiting' },
				{ _id: bob.id, username: bob.username, state: 'offered' },
				{ _id: noIdentity.id, username: noIdentity.username, state: 'no-identity-key' },
				{ _id: holder.id, username: holder.username, state: 'holder' },
				{ _id: late.id, username: late.username, state: 'waiting' },
			],
			count: 5,
			offset: 0,
			total: 5,
		});
	});

	it('marks members with an unfit public key, and counts the marked members without the room key', async () => {
		const { store } = roomkey;
		const rid = await addRoom(store, [alice], { encrypted: true, e2eKeyId: KEY });
		const unfit: Person[] = [];
		for (const public_key of unfitKeys()) {
			unfit.push(await addPerson(store, { e2e: { public_key, private_key: 'p' } }));
		}
		for (const member of unfit) await addMember(store, rid, member);
		const holder = await addPerson(store, { e2e: { public_key: 'garbage', private_key: 'p' } });
		await addMember(store, rid, holder, { E2EKey: sealed(KEY) });
		const { members, ...rest } = await state(rid);
		expect(rest).to.include({ waiting: 1, holders: 1, unfitKeys: unfit.length, withoutIdentityKey: 0 });
		const stateOf = ({ id }: Person) => {
			const { username, ...member } = members.find(({ _id }) => _id === id) as Answer['members'][0];
			return member;
		};
		for (const member of unfit) {
			expect(stateOf(member)).to.deep.equal({ _id: member.id, state: 'unfit-key', unfitKey: true });
		}
		expect(stateOf(holder)).to.deep.equal({ _id: holder.id, state: 'holder', unfitKey: true });
	});

	it('reports a room whose key nobody holds, and a room without a key (E2)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: KEY });
		expect(await state(rid)).to.include({ hasHolder: false, holders: 0, keyID: KEY });
		const plain = await addRoom(roomkey.store, [alice], { e2eKeyId: '' });
		expect(await state(plain)).to.include({ encrypted: false, keyID: null, hasHolder: false });
	});

	for (const [what, end] of [
		['is deactivated', { $set: { active: false } }],
		['is deleted', null],
	] as const) {
		it(`reports no holder if the only one ${what} (E2)`, async () => {
			const { store } = roomkey;
			const holder = await addPerson(store, IDENTITY);
			const rid = await addRoom(store, [alice], { encrypted: true, e2eKeyId: KEY });
			await addMember(store, rid, holder, { E2EKey: sealed(KEY) });
			expect(await state(rid)).to.include({ hasHolder: true, holders: 1, inactive: 0 });
			const reset = () => roomkey.call(alice, 'e2e.resetRoomKey', rid, sealed('next'), 'next');
			expect(await rejection(reset())).to.include({ error: 'error-not-allowed' });
			if (end) await store.users.updateOne({ _id: holder.id }, end);
			else await store.users.deleteOne({ _id: holder.id });
			const { members, ...rest } = await state(rid);
			expect(rest).to.include({ hasHolder: false, holders: 0, inactive: 1 });
			expect(members.find(({ _id }) => _id === holder.id)).to.include({ state: 'inactive' });
			await reset();
			expect(await state(rid)).to.include({ hasHolder: true, keyID: 'next' });
		});
	}

	it('returns one page of the members, and counts all members (T3)', async () => {
		const rid = await addRoom(roomkey.store, [alice, bob, noIdentity], { e2eKeyId: KEY });
		const { members, ...rest } = await state(rid, 1, 1);
		expect(members.map(({ _id }) => _id)).to.deep.equal([bob.id]);
		expect(rest).to.include({ count: 1, offset: 1, total: 3, waiting: 2, withoutIdentityKey: 1 });
		expect((await state(rid, 0)).members).to.deep.equal([]);
		expect((await state(rid, 5, 3)).members).to.deep.equal([]);
	});

	it('yields to other calls while it reads 6,000 members', async () => {
		const rid = await addRoom(roomkey.store, [alice]);
		for (let i = 0; i < 6000; i++) await addMember(roomkey.store, rid, { id: `y${i}`, username: `y${i}`, token: '' });
		let turns = 0;
		const done = state(rid).finally(() => clearImmediate(next));
		let next: NodeJS.Immediate | undefined;
		const countTurn = () => {
			turns++;
			next = setImmediate(countTurn);
		};
		countTurn();
		expect(await done).to.include({ total: 6001 });
		expect(turns).to.be.greaterThan(3);
	});

	it('returns 50 members if no count is given, and never more than 500 (T3)', async () => {
		const rid = await addRoom(roomkey.store, [alice]);
		for (let i = 0; i < 520; i++) await addMember(roomkey.store, rid, { id: `x${i}`, username: `x${i}`, token: '' });
		expect(await state(rid)).to.include({ count: 50, total: 521, inactive: 520 });
		expect((await state(rid, 1000)).members).to.have.length(500);
		expect((await state(rid, 1000, 500)).members).to.have.length(21);
	});

	it('returns the mark of a stale key, and who switched encryption (E12, E14)', async () => {
		const e2eToggled = { encrypted: true, by: { _id: bob.id, username: bob.username }, at: new Date(5) };
		const e2eStale = { since: new Date(6), reason: 'member-left' };
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: KEY, e2eToggled, e2eStale });
		expect(await state(rid)).to.deep.include({ toggled: e2eToggled, stale: e2eStale });
	});

	it('returns nothing about encryption while E2E_Enable is off (E13)', async () => {
		const other = await openRoomkey();
		const member = await addPerson(other.store, IDENTITY);
		const rid = await addRoom(other.store, [member], {
			encrypted: true,
			e2eKeyId: KEY,
			e2eStale: { since: new Date(), reason: 'member-left' },
			e2eToggled: { encrypted: true, by: { _id: member.id }, at: new Date() },
		});
		await other.store.settings.insertOne({ _id: 'E2E_Enable', value: false });
		dropCachedSetting(other.store, 'E2E_Enable');
		const answer = await other.call(member, NAME, rid);
		expect(answer).to.not.have.any.keys('encrypted', 'keyID', 'stale', 'toggled');
		expect(answer).to.include({ total: 1 });
		await other.close();
	});

	it('refuses users who are no members, even if they were invited', async () => {
		const { store } = roomkey;
		const channel = await addRoom(store, [alice], { t: 'c' });
		const rid = await addRoom(store, [alice]);
		await addMember(store, rid, stranger, { status: 'INVITED' });
		for (const [as, where] of [
			[bob, channel],
			[bob, rid],
			[stranger, rid],
		] as const) {
			expect(await rejection(roomkey.call(as, NAME, where))).to.deep.include({
				error: 'error-invalid-room',
				details: { method: NAME },
			});
		}
		expect(await rejection(roomkey.call(alice, NAME, 'nowhere'))).to.deep.include({ error: 'error-invalid-room' });
	});

	it('refuses a count or an offset that is no whole number from 0', async () => {
		const rid = await addRoom(roomkey.store, [alice]);
		for (const page of [[-1], [1.5], ['1'], [1, -1]]) {
			expect(await rejection(roomkey.call(alice, NAME, rid, ...page)))
				.to.have.property('message')
				.that.matches(/^Match error/);
		}
	});

	describe('the holders of a key', () => {
		it('are the members whose key has the present key id or none (E2, E11)', async () => {
			const { store } = roomkey;
			const rid = await addRoom(store, [], { encrypted: true, e2eKeyId: KEY });
			await addMember(store, rid, alice, { E2EKey: sealed(KEY) });
			await addMember(store, rid, bob, { E2EKey: sealed('former') });
			expect(await hasHolder(store, rid)).to.equal(true);
			// Apart from alice, nobody holds the key.
			expect(await hasHolder(store, rid, alice.id)).to.equal(false);
			expect(await isLastHolder(store, rid, alice.id)).to.equal(true);
			expect(await isLastHolder(store, rid, bob.id)).to.equal(false);
			await store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { E2EKey: `plain-${rid}` } });
			expect(await isLastHolder(store, rid, alice.id)).to.equal(false);
			expect(await hasHolder(store, rid, alice.id)).to.equal(true);
		});
	});

	describe('a stale key', () => {
		async function notifiedDuring(run: () => Promise<void>) {
			const notified: EventPayloads['notify'][] = [];
			const stop = roomkey.bus.on('notify', (event) => void notified.push(event));
			await run();
			stop();
			return notified;
		}
		const context = () => ({
			store: roomkey.store,
			events: { emit: (name: never, payload: never) => void roomkey.bus.publish(name, payload) },
		});

		it('is marked once, and the owners are notified (E12)', async () => {
			const rid = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: KEY });
			await addMember(roomkey.store, rid, alice, { roles: ['owner'] });
			const notified = await notifiedDuring(() => markKeyStale(context(), rid, 'member-removed'));
			expect(notified).to.have.length(1);
			expect(notified[0]).to.deep.include({ stream: 'notify-user', eventName: `${alice.id}/e2eKeyStale` });
			expect(notified[0]?.args[0]).to.equal(rid);
			expect(notified[0]?.args[1]).to.include({ reason: 'member-removed' });
			expect((await state(rid)).stale).to.deep.equal(notified[0]?.args[1]);
			expect(await notifiedDuring(() => markKeyStale(context(), rid, 'member-left'))).to.deep.equal([]);
			expect((await state(rid)).stale).to.deep.equal(notified[0]?.args[1]);
		});

		for (const t of ['d', 'p'] as const) {
			it(`is announced to all members if there is no owner (type ${t}, E12)`, async () => {
				const rid = await addRoom(roomkey.store, [alice, bob], { t, encrypted: true, e2eKeyId: KEY });
				await addMember(roomkey.store, rid, stranger, { status: 'INVITED' });
				const notified = await notifiedDuring(() => markKeyStale(context(), rid, 'member-left'));
				expect(notified.map(({ eventName }) => eventName)).to.have.members(
					[alice, bob].map(({ id }) => `${id}/e2eKeyStale`),
				);
			});
		}

		it('is not marked in a room without a key (E12)', async () => {
			const rid = await addRoom(roomkey.store, [alice], { e2eKeyId: '' });
			expect(await notifiedDuring(() => markKeyStale(context(), rid, 'member-left'))).to.deep.equal([]);
			expect(await state(rid)).to.not.have.property('stale');
		});
	});
});
