/**
 * Storing and offering room keys. Numbers in titles are sections of test/contract/rocketchat-e2e.md, those with E or T of
 * test/contract/beyond.md. A number after # is an issue of Rocket.Chat, listed in section 12.
 */
import { expect } from 'chai';
import { clientError, StoreUnavailableError } from '../../shared/errors.js';
import { type HookedStore, openHookedRoomkey } from '../support/hooks.js';
import { announcedBy, identity, membershipOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import type { TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.updateGroupKey';

describe('e2e.updateGroupKey (4.4)', () => {
	let roomkey: TestRoomkey;
	let hooked: HookedStore;
	let alice: Person;
	let bob: Person;

	before(async () => {
		({ roomkey, hooked } = await openHookedRoomkey());
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
	});
	after(() => roomkey.close());

	const waiting = (...people: Person[]) => people.map(({ id }) => ({ userId: id, ts: new Date() }));
	const addKeyed = (fields = {}) => addRoom(roomkey.store, [alice, bob], { encrypted: true, e2eKeyId: 'k', ...fields });
	const update = (as: Person, rid: string, member: Person, key: string) => roomkey.call(as, NAME, rid, member.id, key);

	it("stores the caller's key, dequeues the caller, and notifies caller and room (4.4)", async () => {
		const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(alice, bob) });
		const key = sealed('k');
		const announced = await announcedBy(roomkey, () => update(alice, rid, alice, key));
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		// Rocket.Chat notifies the room only when the queue becomes empty, Roomkey also while bob still waits (5.2, 10.4).
		expect(announced).to.deep.equal([`subscriptions ${alice.id}`, `rooms ${rid}`]);
	});

	it('notifies the member exactly once if the store fails after the write', async () => {
		for (const member of [alice, bob]) {
			const rid = await addKeyed();
			const key = sealed('k');
			const fail = () => Promise.reject(new StoreUnavailableError('down'));
			// The second reading of the room follows the write.
			hooked.before('rooms', 'findOne', fail, 1);
			const announced = await announcedBy(roomkey, async () => {
				expect(await rejection(update(alice, rid, member, key))).to.include({ error: 503 });
				await update(alice, rid, member, key);
			});
			expect(announced).to.deep.equal([`subscriptions ${member.id}`]);
		}
	});

	it('removes the field of the queue with its last member (5.2, 2.2)', async () => {
		const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(alice) });
		await update(alice, rid, alice, sealed('k'));
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('does not notify the room if the member was not queued (10.4)', async () => {
		const rid = await addKeyed();
		expect(await announcedBy(roomkey, () => update(alice, rid, alice, sealed('k')))).to.deep.equal([
			`subscriptions ${alice.id}`,
		]);
	});

	it('writes nothing and notifies nobody if the key is stored already (T1)', async () => {
		const rid = await addKeyed();
		const key = sealed('k');
		await update(alice, rid, alice, key);
		const before = await membershipOf(roomkey.store, rid, alice);
		expect(await announcedBy(roomkey, () => update(alice, rid, alice, key))).to.deep.equal([]);
		expect(await membershipOf(roomkey.store, rid, alice)).to.deep.equal(before);
	});

	it('removes the caller from the queue, if an interrupted call is repeated', async () => {
		const rid = await addKeyed();
		const key = sealed('k');
		await update(alice, rid, alice, key);
		await roomkey.store.rooms.updateOne({ _id: rid }, { $set: { usersWaitingForE2EKeys: waiting(alice) } });
		expect(await announcedBy(roomkey, () => update(alice, rid, alice, key))).to.deep.equal([`rooms ${rid}`]);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('archives a key that is replaced, in the same write (12 #12331)', async () => {
		const former = sealed('former');
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, alice, { E2EKey: former });
		const key = sealed('k');
		// A second write would fail.
		hooked.before('subscriptions', 'findOneAndUpdate', async () => {
			hooked.before('subscriptions', 'findOneAndUpdate', () => Promise.reject(new Error('a second write')));
		});
		await update(alice, rid, alice, key);
		const { E2EKey, oldRoomKeys } = await membershipOf(roomkey.store, rid, alice);
		expect(E2EKey).to.equal(key);
		expect(oldRoomKeys?.map(({ e2eKeyId, E2EKey }) => ({ e2eKeyId, E2EKey }))).to.deep.equal([
			{ e2eKeyId: 'former', E2EKey: former },
		]);
		// The hook of the second write has not run. It is replaced, so that it does not fail the next test.
		hooked.before('subscriptions', 'findOneAndUpdate', async () => {});
	});

	it('keeps one of eight concurrent keys as the present key, and archives the others', async () => {
		const rid = await addKeyed();
		const keys = Array.from({ length: 8 }, () => sealed('k'));
		await Promise.all(keys.map((key) => update(alice, rid, alice, key)));
		const { E2EKey, oldRoomKeys = [] } = await membershipOf(roomkey.store, rid, alice);
		expect([E2EKey, ...oldRoomKeys.map((old) => old.E2EKey)].sort()).to.deep.equal([...keys].sort());
	});

	it('offers another member a key, and notifies only that member (4.4)', async () => {
		const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(bob) });
		const key = sealed('k');
		const announced = await announcedBy(roomkey, () => update(alice, rid, bob, key));
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership.E2ESuggestedKey).to.equal(key);
		expect(membership).not.to.have.property('E2EKey');
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`]);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
	});

	it('keeps the first offer while it is open (12 #33405)', async () => {
		const rid = await addKeyed();
		const carol = await addPerson(roomkey.store);
		await addMember(roomkey.store, rid, carol);
		const first = sealed('k');
		await update(alice, rid, bob, first);
		expect(await announcedBy(roomkey, () => update(carol, rid, bob, sealed('k')))).to.deep.equal([]);
		expect((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey).to.equal(first);
	});

	it('removes an offer to the member who stores a key, but keeps its former keys (E7, T1)', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
		const suggestedOldRoomKeys = [{ e2eKeyId: 'j', ts: new Date(5), E2EKey: 'former' }];
		await addMember(roomkey.store, rid, bob, { E2ESuggestedKey: sealed('k'), suggestedOldRoomKeys });
		const key = sealed('k');
		await update(bob, rid, bob, key);
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership).to.deep.include({ E2EKey: key, oldRoomKeys: suggestedOldRoomKeys });
		expect(membership).not.to.have.any.keys('E2ESuggestedKey', 'suggestedOldRoomKeys');
	});

	it('stores one of 20 concurrent offers (12 #33405)', async () => {
		const rid = await addKeyed();
		const keys = Array.from({ length: 20 }, () => sealed('k'));
		const announced = await announcedBy(roomkey, () => Promise.all(keys.map((key) => update(alice, rid, bob, key))));
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`]);
		expect(keys).to.include((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey);
	});

	it('replaces an offer whose key id is not the present one', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		const oldKey = { e2eKeyId: 'x', ts: new Date(), E2EKey: 'y' };
		await addMember(roomkey.store, rid, bob, { E2ESuggestedKey: sealed('former'), suggestedOldRoomKeys: [oldKey] });
		const key = sealed('k');
		await update(alice, rid, bob, key);
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership.E2ESuggestedKey).to.equal(key);
		expect(membership).not.to.have.property('suggestedOldRoomKeys');
	});

	for (const [what, keyIn] of [
		['the present key', () => sealed('k')],
		// No two memberships may have the same key, so the key contains the room id.
		["a key that is not in Rocket.Chat's format", (rid: string) => `some key ${rid}`],
	] as const) {
		it(`offers nothing to a member who holds ${what} (T1)`, async () => {
			const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
			await addMember(roomkey.store, rid, bob, { E2EKey: keyIn(rid) });
			expect(await announcedBy(roomkey, () => update(alice, rid, bob, sealed('k')))).to.deep.equal([]);
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
		});
	}

	it('offers a key to a member whose key has another key id', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('former') });
		const key = sealed('k');
		await update(alice, rid, bob, key);
		expect((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey).to.equal(key);
	});

	it('does nothing for callers who are no members or only invited (4.4)', async () => {
		const rid = await addRoom(roomkey.store, [bob], { t: 'c', encrypted: true, e2eKeyId: 'k' });
		const carol = await addPerson(roomkey.store, identity());
		await addMember(roomkey.store, rid, carol, { status: 'INVITED' });
		for (const caller of [alice, carol]) {
			const announced = await announcedBy(roomkey, async () => {
				expect(await update(caller, rid, bob, sealed('k'))).to.equal(undefined);
				expect(await update(caller, rid, caller, sealed('k'))).to.equal(undefined);
				expect(await update(caller, 'nowhere', caller, sealed('k'))).to.equal(undefined);
			});
			expect(announced).to.deep.equal([]);
		}
		expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
		expect(await membershipOf(roomkey.store, rid, carol)).not.to.have.property('E2EKey');
	});

	it('offers nothing to a user who is not a member (4.4)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		expect(await update(alice, rid, bob, sealed('k'))).to.equal(undefined);
	});

	it("refuses a key whose key id is not the room's, for the caller and for others (E6)", async () => {
		for (const e2eKeyId of ['k', undefined]) {
			const rid = await addRoom(roomkey.store, [alice, bob], { encrypted: true, ...(e2eKeyId && { e2eKeyId }) });
			for (const member of [alice, bob]) {
				expect(await rejection(update(alice, rid, member, sealed('another')))).to.deep.include({
					error: 'error-key-id-mismatch',
					details: { method: NAME },
				});
			}
			expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.property('E2EKey');
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
		}
	});

	it("accepts a key that is not in Rocket.Chat's format (E6)", async () => {
		const rid = await addKeyed();
		await update(alice, rid, alice, `plain ${rid}`);
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(`plain ${rid}`);
	});

	it('stores a key exactly as sent, with a line feed at its end (13)', async () => {
		const rid = await addKeyed();
		const key = `${sealed('k')}\n`;
		await update(alice, rid, bob, key);
		expect((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey).to.equal(key);
	});

	for (const [what, key] of [
		['an empty', ''],
		['a blank', ' \n'],
		['a too long', 'k'.repeat(4097)],
	] as const) {
		it(`refuses ${what} key (13)`, async () => {
			const rid = await addKeyed();
			expect(await rejection(update(alice, rid, alice, key))).to.deep.include({
				error: 'error-invalid-key',
				details: { method: NAME },
			});
		});
	}

	it('checks the types of its arguments, and then requires a user', async () => {
		for (const [...params] of [[], ['rid'], ['rid', 'uid'], ['rid', { $ne: '' }, 'key']]) {
			expect((await rejection(roomkey.call(null, NAME, ...params))).message).to.match(/^Match error: Expected string/);
		}
		expect(await rejection(roomkey.call(null, NAME, 'rid', 'uid', 'key'))).to.deep.include({
			error: 'error-invalid-user',
			details: { method: NAME },
		});
	});

	it('refuses a key that is in another membership, and logs nothing (2.3)', async () => {
		const rid = await addKeyed();
		const key = sealed('k');
		await update(bob, rid, bob, key);
		const lines = roomkey.log.lines.length;
		expect(await rejection(update(alice, rid, alice, key))).to.deep.include({
			error: 'error-key-in-use',
			details: { method: NAME },
		});
		expect(roomkey.log.lines).to.have.length(lines);
	});

	describe('during a reset of the room', () => {
		const setNewKeyId = (rid: string) =>
			roomkey.store.rooms.updateOne({ _id: rid }, { $set: { e2eKeyId: 'next' } }, { silent: true });

		it('archives and refuses a key that arrives too late, and queues its member', async () => {
			const rid = await addKeyed();
			const key = sealed('k');
			hooked.before('subscriptions', 'findOneAndUpdate', () => setNewKeyId(rid));
			expect(await rejection(update(alice, rid, alice, key))).to.include({ error: 'error-key-id-mismatch' });
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership).not.to.have.property('E2EKey');
			expect(membership.oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k', E2EKey: key });
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('archives a late key in another format under the former key id', async () => {
			const rid = await addKeyed();
			hooked.before('subscriptions', 'findOneAndUpdate', () => setNewKeyId(rid));
			expect(await rejection(update(alice, rid, alice, `odd ${rid}`))).to.include({ error: 'error-key-id-mismatch' });
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k' });
		});

		it('refuses a key with the former key id, even before the new id is set', async () => {
			const e2eReset = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(Date.now() + 60_000) };
			const rid = await addKeyed({ e2eReset });
			const key = sealed('k');
			expect(await rejection(update(alice, rid, alice, key))).to.include({ error: 'error-key-id-mismatch' });
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys?.[0]).to.include({ E2EKey: key });
			expect(await rejection(update(alice, rid, bob, key))).to.include({ error: 'error-key-id-mismatch' });
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
			// Once the new key id is set, keys with this id are accepted, even before the reset ends.
			await setNewKeyId(rid);
			const next = sealed('next');
			await update(alice, rid, alice, next);
			expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(next);
		});

		it('accepts keys if a reset was interrupted long ago', async () => {
			const e2eReset = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(0) };
			const rid = await addKeyed({ e2eReset });
			const key = sealed('k');
			await update(alice, rid, alice, key);
			expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		});

		it('removes and refuses a late offer, and notifies the member twice', async () => {
			const rid = await addKeyed();
			hooked.before('subscriptions', 'findOneAndUpdate', () => setNewKeyId(rid));
			const announced = await announcedBy(roomkey, async () => {
				expect(await rejection(update(alice, rid, bob, sealed('k')))).to.include({ error: 'error-key-id-mismatch' });
			});
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
			expect(announced).to.deep.equal([`subscriptions ${bob.id}`, `subscriptions ${bob.id}`]);
		});

		it('archives a key that an interrupted call left, when the member calls again', async () => {
			const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'next' });
			const key = sealed('k');
			await addMember(roomkey.store, rid, alice, { E2EKey: key });
			expect(await rejection(update(alice, rid, alice, key))).to.include({ error: 'error-key-id-mismatch' });
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership).not.to.have.property('E2EKey');
			expect(membership.oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k', E2EKey: key });
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('keeps the member queued if the reset archives the key meanwhile', async () => {
			const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(alice) });
			hooked.before('rooms', 'findOneAndUpdate', () =>
				roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $unset: { E2EKey: 1 } }),
			);
			await update(alice, rid, alice, sealed('k'));
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});
	});

	it('reports a failure of the store as a server error', async () => {
		const rid = await addKeyed();
		hooked.before('subscriptions', 'findOneAndUpdate', () => Promise.reject(new Error('the disk is full')));
		expect(await rejection(update(alice, rid, alice, sealed('k')))).to.include({
			error: clientError('internal').error,
		});
	});
});
