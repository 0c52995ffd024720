import { expect } from 'chai';
import { clientError } from '../../shared/errors.js';
import { type HookedStore, hookedStore } from '../support/hooks.js';
import { announcedBy, identity, membershipOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.updateGroupKey';

describe('e2e.updateGroupKey (4.4)', () => {
	let roomkey: TestRoomkey;
	let hooked: HookedStore;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey(undefined, {}, (store) => {
			hooked = hookedStore(store);
			return hooked.store;
		});
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
	});
	after(() => roomkey.close());

	const waiting = (...people: Person[]) => people.map(({ id }) => ({ userId: id, ts: new Date() }));
	const addKeyed = (fields = {}) => addRoom(roomkey.store, [alice, bob], { encrypted: true, e2eKeyId: 'k', ...fields });
	const update = (as: Person, rid: string, of: Person, key: string) => roomkey.call(as, NAME, rid, of.id, key);

	it('stores the own key, takes the caller out of the queue and notifies both (4.4)', async () => {
		const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(alice, bob) });
		const key = sealed('k');
		const announced = await announcedBy(roomkey, () => update(alice, rid, alice, key));
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		// 10.4, and 5.2: the room is notified although bob still waits.
		expect(announced).to.deep.equal([`subscriptions ${alice.id}`, `rooms ${rid}`]);
	});

	it('the last to leave the queue takes it away (5.2, 2.2)', async () => {
		const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(alice) });
		await update(alice, rid, alice, sealed('k'));
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('the key of a member who was not in the queue does not notify the room (10.4)', async () => {
		const rid = await addKeyed();
		expect(await announcedBy(roomkey, () => update(alice, rid, alice, sealed('k')))).to.deep.equal([
			`subscriptions ${alice.id}`,
		]);
	});

	it('the same key again writes nothing and notifies nobody (T1)', async () => {
		const rid = await addKeyed();
		const key = sealed('k');
		await update(alice, rid, alice, key);
		const before = await membershipOf(roomkey.store, rid, alice);
		expect(await announcedBy(roomkey, () => update(alice, rid, alice, key))).to.deep.equal([]);
		expect(await membershipOf(roomkey.store, rid, alice)).to.deep.equal(before);
	});

	it('the same key again takes a caller out of the queue whose call was interrupted before that', async () => {
		const rid = await addKeyed();
		const key = sealed('k');
		await update(alice, rid, alice, key);
		await roomkey.store.rooms.updateOne({ _id: rid }, { $set: { usersWaitingForE2EKeys: waiting(alice) } });
		expect(await announcedBy(roomkey, () => update(alice, rid, alice, key))).to.deep.equal([`rooms ${rid}`]);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('a key that is replaced goes to the old ones, in one write (12 #12331)', async () => {
		const former = sealed('former');
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, alice, { E2EKey: former });
		const key = sealed('k');
		hooked.before('subscriptions', 'findOneAndUpdate', async () => {
			hooked.before('subscriptions', 'findOneAndUpdate', () => Promise.reject(new Error('a second write')));
		});
		await update(alice, rid, alice, key);
		const { E2EKey, oldRoomKeys } = await membershipOf(roomkey.store, rid, alice);
		expect(E2EKey).to.equal(key);
		expect(oldRoomKeys?.map(({ e2eKeyId, E2EKey }) => ({ e2eKeyId, E2EKey }))).to.deep.equal([
			{ e2eKeyId: 'former', E2EKey: former },
		]);
		hooked.before('subscriptions', 'findOneAndUpdate', async () => {});
	});

	it('of eight keys at once one is present and the others are kept', async () => {
		const rid = await addKeyed();
		const keys = Array.from({ length: 8 }, () => sealed('k'));
		await Promise.all(keys.map((key) => update(alice, rid, alice, key)));
		const { E2EKey, oldRoomKeys = [] } = await membershipOf(roomkey.store, rid, alice);
		expect([E2EKey, ...oldRoomKeys.map((old) => old.E2EKey)].sort()).to.deep.equal([...keys].sort());
	});

	it('offers another member a key, and notifies them alone (4.4)', async () => {
		const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(bob) });
		const key = sealed('k');
		const announced = await announcedBy(roomkey, () => update(alice, rid, bob, key));
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership.E2ESuggestedKey).to.equal(key);
		expect(membership).not.to.have.property('E2EKey');
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`]);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
	});

	it('the first offer stays as long as its member has not decided (12 #33405)', async () => {
		const rid = await addKeyed();
		const carol = await addPerson(roomkey.store);
		await addMember(roomkey.store, rid, carol);
		const first = sealed('k');
		await update(alice, rid, bob, first);
		expect(await announcedBy(roomkey, () => update(carol, rid, bob, sealed('k')))).to.deep.equal([]);
		expect((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey).to.equal(first);
	});

	it('a member who stores a key of the room has decided about the offer of it (E7, T1)', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
		const suggestedOldRoomKeys = [{ e2eKeyId: 'j', ts: new Date(5), E2EKey: 'former' }];
		await addMember(roomkey.store, rid, bob, { E2ESuggestedKey: sealed('k'), suggestedOldRoomKeys });
		const key = sealed('k');
		await update(bob, rid, bob, key);
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership).to.deep.include({ E2EKey: key, oldRoomKeys: suggestedOldRoomKeys });
		expect(membership).not.to.have.any.keys('E2ESuggestedKey', 'suggestedOldRoomKeys');
	});

	it('of 20 who offer at once one succeeds (12 #33405)', async () => {
		const rid = await addKeyed();
		const keys = Array.from({ length: 20 }, () => sealed('k'));
		const announced = await announcedBy(roomkey, () => Promise.all(keys.map((key) => update(alice, rid, bob, key))));
		expect(announced).to.deep.equal([`subscriptions ${bob.id}`]);
		expect(keys).to.include((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey);
	});

	it('an offer under a key id that is not the present one gives way', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		const oldKey = { e2eKeyId: 'x', ts: new Date(), E2EKey: 'y' };
		await addMember(roomkey.store, rid, bob, { E2ESuggestedKey: sealed('former'), suggestedOldRoomKeys: [oldKey] });
		const key = sealed('k');
		await update(alice, rid, bob, key);
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership.E2ESuggestedKey).to.equal(key);
		expect(membership).not.to.have.property('suggestedOldRoomKeys');
	});

	for (const [what, held] of [
		['the present key', sealed('k')],
		['a key of another form', 'some key'],
	] as const) {
		it(`offers nothing to a member who holds ${what} (T1)`, async () => {
			const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
			await addMember(roomkey.store, rid, bob, { E2EKey: held + (held.length < 20 ? rid : '') });
			expect(await announcedBy(roomkey, () => update(alice, rid, bob, sealed('k')))).to.deep.equal([]);
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
		});
	}

	it('offers a key to a member whose own is of a key id that is not the present one', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('former') });
		const key = sealed('k');
		await update(alice, rid, bob, key);
		expect((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey).to.equal(key);
	});

	it('a caller without a membership does nothing and receives nothing, nor does one who was only invited (4.4)', async () => {
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

	it('a member who is not there is passed over (4.4)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		expect(await update(alice, rid, bob, sealed('k'))).to.equal(undefined);
	});

	it('refuses a key of another key id than the room has, for oneself and for others (E6)', async () => {
		for (const e2eKeyId of ['k', undefined]) {
			const rid = await addRoom(roomkey.store, [alice, bob], { encrypted: true, ...(e2eKeyId && { e2eKeyId }) });
			for (const of of [alice, bob]) {
				expect(await rejection(update(alice, rid, of, sealed('another')))).to.deep.include({
					error: 'error-key-id-mismatch',
					details: { method: NAME },
				});
			}
			expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.property('E2EKey');
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
		}
	});

	it('a key of another form passes (E6)', async () => {
		const rid = await addKeyed();
		await update(alice, rid, alice, `plain ${rid}`);
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(`plain ${rid}`);
	});

	it('keys are stored to the letter, blanks and all (13)', async () => {
		const rid = await addKeyed();
		await update(alice, rid, bob, ` ${sealed('k')}\n`.slice(1));
		expect((await membershipOf(roomkey.store, rid, bob)).E2ESuggestedKey).to.match(/\n$/);
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

	it('checks the types of its arguments, in their order, and then who calls', async () => {
		for (const [...params] of [[], ['rid'], ['rid', 'uid'], ['rid', { $ne: '' }, 'key']]) {
			expect((await rejection(roomkey.call(alice, NAME, ...params))).message).to.match(/^Match error: Expected string/);
		}
		expect(await rejection(roomkey.call(null, NAME, 'rid', 'uid', 'key'))).to.deep.include({
			error: 'error-invalid-user',
			details: { method: NAME },
		});
	});

	it('a key that is in another membership already is refused, and the log stays empty (2.3)', async () => {
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

	describe('while the room is reset', () => {
		/** The last write of a reset. */
		const finish = (rid: string) =>
			roomkey.store.rooms.updateOne({ _id: rid }, { $set: { e2eKeyId: 'next' } }, { silent: true });

		it('a key that came too late is put with the old ones and refused, and its member is queued', async () => {
			const rid = await addKeyed();
			const key = sealed('k');
			hooked.before('subscriptions', 'findOneAndUpdate', () => finish(rid));
			expect(await rejection(update(alice, rid, alice, key))).to.include({ error: 'error-key-id-mismatch' });
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership).not.to.have.property('E2EKey');
			expect(membership.oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k', E2EKey: key });
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('so is one of another form, which was meant for the former key id', async () => {
			const rid = await addKeyed();
			hooked.before('subscriptions', 'findOneAndUpdate', () => finish(rid));
			expect(await rejection(update(alice, rid, alice, `odd ${rid}`))).to.include({ error: 'error-key-id-mismatch' });
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k' });
		});

		it('a key stored before the new key id is named is refused too: the reset may have passed it by', async () => {
			const e2eReset = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(Date.now() + 60_000) };
			const rid = await addKeyed({ e2eReset });
			const key = sealed('k');
			expect(await rejection(update(alice, rid, alice, key))).to.include({ error: 'error-key-id-mismatch' });
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys?.[0]).to.include({ E2EKey: key });
			expect(await rejection(update(alice, rid, bob, key))).to.include({ error: 'error-key-id-mismatch' });
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
			// Once the reset has set the new key id, keys with it are accepted while the reset archives the last former keys.
			await finish(rid);
			const next = sealed('next');
			await update(alice, rid, alice, next);
			expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(next);
		});

		it('a reset that was interrupted long ago is in nobody’s way', async () => {
			const e2eReset = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(0) };
			const rid = await addKeyed({ e2eReset });
			const key = sealed('k');
			await update(alice, rid, alice, key);
			expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		});

		it('an offer that came too late is taken back and refused', async () => {
			const rid = await addKeyed();
			hooked.before('subscriptions', 'findOneAndUpdate', () => finish(rid));
			const announced = await announcedBy(roomkey, async () => {
				expect(await rejection(update(alice, rid, bob, sealed('k')))).to.include({ error: 'error-key-id-mismatch' });
			});
			expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2ESuggestedKey');
			expect(announced).to.deep.equal([]);
		});

		it('a key that an interrupted call has left behind is put away when its member asks again', async () => {
			const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'next' });
			const key = sealed('k');
			await addMember(roomkey.store, rid, alice, { E2EKey: key });
			expect(await rejection(update(alice, rid, alice, key))).to.include({ error: 'error-key-id-mismatch' });
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership).not.to.have.property('E2EKey');
			expect(membership.oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k', E2EKey: key });
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('a reset between storing the key and leaving the queue puts its member back', async () => {
			const rid = await addKeyed({ usersWaitingForE2EKeys: waiting(alice) });
			hooked.before('rooms', 'findOneAndUpdate', () =>
				roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $unset: { E2EKey: 1 } }),
			);
			await update(alice, rid, alice, sealed('k'));
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});
	});

	it('what the store fails at is a 500, not a refusal', async () => {
		const rid = await addKeyed();
		hooked.before('subscriptions', 'findOneAndUpdate', () => Promise.reject(new Error('the disk is full')));
		expect(await rejection(update(alice, rid, alice, sealed('k')))).to.include({
			error: clientError('internal').error,
		});
	});
});
