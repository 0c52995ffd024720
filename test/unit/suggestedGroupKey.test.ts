/**
 * Offers, which Rocket.Chat calls suggested keys. Numbers in titles are sections of test/contract/rocketchat-e2e.md, those
 * with an E of test/contract/beyond.md. A number after # is an issue of Rocket.Chat, listed in section 12.
 */
import { expect } from 'chai';
import { removeServedUsers } from '../../methods/model/keys/queue.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import { type HookedStore, openHookedRoomkey } from '../support/hooks.js';
import { announcedBy, identity, membershipOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import type { TestRoomkey } from '../support/roomkey.js';

const ACCEPT = 'e2e.acceptSuggestedGroupKey';
const REJECT = 'e2e.rejectSuggestedGroupKey';

const old = (e2eKeyId: string) => ({ e2eKeyId, ts: new Date(1), E2EKey: `old key ${e2eKeyId}` });

describe('offers of room keys (4.8)', () => {
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

	async function addOffered(membership: object, room: object = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k', ...room });
		await addMember(roomkey.store, rid, alice, membership);
		return rid;
	}

	for (const name of [ACCEPT, REJECT]) {
		it(`${name} requires a membership in the room (4.8)`, async () => {
			const rid = await addRoom(roomkey.store, [bob], { t: 'c', e2eKeyId: 'k' });
			for (const room of [rid, 'nowhere', '']) {
				expect(await rejection(roomkey.call(alice, name, room))).to.deep.include({
					error: 'error-subscription-not-found',
					reason: 'Subscription not found',
					details: { method: name },
				});
			}
		});

		it(`${name} requires an offer that is not blank (4.8)`, async () => {
			for (const membership of [{}, { E2ESuggestedKey: ' \n' }, { E2ESuggestedKey: '' }]) {
				const rid = await addOffered(membership);
				expect(await rejection(roomkey.call(alice, name, rid))).to.deep.include({
					error: 'error-no-suggested-key-available',
					reason: 'No suggested key available',
					details: { method: name },
				});
			}
		});

		it(`${name} requires a string, and then a user (4.8)`, async () => {
			expect(await rejection(roomkey.call(null, name, 'rid'))).to.deep.include({
				error: 'error-invalid-user',
				details: { method: name },
			});
			expect(await rejection(roomkey.call(null, name))).to.include({
				message: 'Match error: Expected string, got undefined',
			});
		});
	}

	describe(ACCEPT, () => {
		const accept = (rid: string) => roomkey.call(alice, ACCEPT, rid);

		it('stores the trimmed key, dequeues the caller, and notifies caller and room (4.8, 10.4)', async () => {
			const key = sealed('k');
			const rid = await addOffered(
				{ E2ESuggestedKey: ` ${key}\n`, suggestedOldRoomKeys: [old('a')] },
				{ usersWaitingForE2EKeys: waiting(alice, bob) },
			);
			const announced = await announcedBy(roomkey, async () => expect(await accept(rid)).to.equal(undefined));
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership).to.deep.include({ E2EKey: key, oldRoomKeys: [old('a')] });
			expect(membership).not.to.have.any.keys('E2ESuggestedKey', 'suggestedOldRoomKeys');
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
			expect(announced).to.deep.equal([`subscriptions ${alice.id}`, `rooms ${rid}`]);
		});

		it('notifies the member of the key if the store fails after the write', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') });
			hooked.before('rooms', 'findOne', () => Promise.reject(new StoreUnavailableError('down')), 1);
			const announced = await announcedBy(roomkey, () => rejection(roomkey.call(alice, ACCEPT, rid)));
			expect(announced).to.deep.equal([`subscriptions ${alice.id}`]);
		});

		it("keeps the member's own old keys if there are any (4.8)", async () => {
			const rid = await addOffered({
				E2ESuggestedKey: sealed('k'),
				suggestedOldRoomKeys: [old('a')],
				oldRoomKeys: [old('b')],
			});
			await accept(rid);
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys).to.deep.equal([old('b')]);
		});

		it('archives the present key together with the offered old keys (4.8)', async () => {
			const former = sealed('former');
			const rid = await addOffered({
				E2EKey: former,
				E2ESuggestedKey: sealed('k'),
				suggestedOldRoomKeys: [old('a')],
			});
			await accept(rid);
			const { oldRoomKeys } = await membershipOf(roomkey.store, rid, alice);
			expect(oldRoomKeys?.map(({ E2EKey }) => E2EKey)).to.deep.equal([former, 'old key a']);
		});

		it('accepts the newer offer if it replaces the first one during the call (4.8)', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') });
			const newer = sealed('k');
			hooked.before('subscriptions', 'findOneAndUpdate', () =>
				roomkey.store.subscriptions.updateOne({ rid }, { $set: { E2ESuggestedKey: newer } }),
			);
			await accept(rid);
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership.E2EKey).to.equal(newer);
			expect(membership).not.to.have.property('E2ESuggestedKey');
		});

		it('archives a key that the member stores concurrently', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') });
			const own = sealed('k');
			hooked.before('subscriptions', 'findOneAndUpdate', () =>
				roomkey.store.subscriptions.updateOne({ rid }, { $set: { E2EKey: own } }),
			);
			await accept(rid);
			expect((await membershipOf(roomkey.store, rid, alice)).oldRoomKeys?.[0]?.E2EKey).to.equal(own);
		});

		it('stores the key in one of ten concurrent calls', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') });
			const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => accept(rid)));
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
			for (const outcome of outcomes) {
				if (outcome.status === 'rejected') expect(outcome.reason.error).to.equal('error-no-suggested-key-available');
			}
		});

		it('accepts a stored offer with another key id, as Rocket.Chat may write it (E6)', async () => {
			for (const room of [{ e2eKeyId: 'k' }, { e2eKeyId: '' }]) {
				// The key id of Rocket.Chat's older clients: the beginning of the key as base64.
				const key = sealed('eyJhbGciOiJB');
				const rid = await addOffered({ E2ESuggestedKey: key }, room);
				await accept(rid);
				const membership = await membershipOf(roomkey.store, rid, alice);
				expect(membership).to.include({ E2EKey: key }).and.not.have.property('E2ESuggestedKey');
				expect(await roomkey.call(alice, 'e2e.roomState', rid)).to.include({ holders: 1, waiting: 0 });
				await roomkey.call(alice, 'e2e.requestSubscriptionKeys');
				expect(await membershipOf(roomkey.store, rid, alice)).to.include({ E2EKey: key });
			}
		});

		for (const [what, until] of [
			['an interrupted reset', new Date(0)],
			['a reset in progress', new Date('9999-01-01')],
		] as const) {
			it(`refuses and removes an offer with the key id from before ${what} (E6)`, async () => {
				const e2eReset = { id: 'r', userId: bob.id, keyId: 'k', formerKeyId: 'former', until };
				const rid = await addOffered({ E2ESuggestedKey: sealed('former') }, { e2eReset });
				const announced = await announcedBy(roomkey, async () => {
					expect(await rejection(accept(rid))).to.deep.include({
						error: 'error-key-id-mismatch',
						details: { method: ACCEPT },
					});
				});
				expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.any.keys('E2EKey', 'E2ESuggestedKey');
				expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
				expect(announced).to.deep.equal([`rooms ${rid}`, `subscriptions ${alice.id}`]);
			});
		}

		it("refuses and removes an offer that is another member's stored key (2.3)", async () => {
			const key = sealed('k');
			const rid = await addOffered({ E2ESuggestedKey: key });
			await addMember(roomkey.store, rid, bob, { E2EKey: key });
			expect(await rejection(accept(rid))).to.deep.include({ error: 'error-key-in-use' });
			expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.any.keys('E2EKey', 'E2ESuggestedKey');
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('refuses and archives a key if the room is reset meanwhile', async () => {
			const key = sealed('k');
			const rid = await addOffered({ E2ESuggestedKey: key });
			hooked.before('subscriptions', 'findOneAndUpdate', () =>
				roomkey.store.rooms.updateOne({ _id: rid }, { $set: { e2eKeyId: 'next' } }),
			);
			expect(await rejection(accept(rid))).to.include({ error: 'error-key-id-mismatch' });
			const membership = await membershipOf(roomkey.store, rid, alice);
			expect(membership).not.to.have.property('E2EKey');
			expect(membership.oldRoomKeys?.[0]).to.include({ e2eKeyId: 'k', E2EKey: key });
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('removes the member from the queue if an interrupted call is repeated (12 #33696)', async () => {
			const rid = await addOffered({ E2EKey: sealed('k') }, { usersWaitingForE2EKeys: waiting(alice) });
			expect(await rejection(accept(rid))).to.include({ error: 'error-no-suggested-key-available' });
			expect(await queueOf(roomkey.store, rid)).to.equal(null);
		});
	});

	describe(REJECT, () => {
		const reject = (rid: string) => roomkey.call(alice, REJECT, rid);

		it('queues the member even if the call that stored the offer dequeues them at the same time', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') }, { usersWaitingForE2EKeys: waiting(alice) });
			hooked.before('subscriptions', 'findOneAndUpdate', () => removeServedUsers(roomkey.store, rid, [alice.id]));
			await reject(rid);
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
		});

		it('removes the offer, queues the member, and notifies member and room (4.8, 10.4)', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k'), suggestedOldRoomKeys: [old('a')] });
			const announced = await announcedBy(roomkey, async () => expect(await reject(rid)).to.equal(undefined));
			expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.any.keys(
				'E2EKey',
				'oldRoomKeys',
				'E2ESuggestedKey',
				'suggestedOldRoomKeys',
			);
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
			expect(announced).to.deep.equal([`rooms ${rid}`, `subscriptions ${alice.id}`]);
		});

		it('does not notify the room if the member is already queued (10.4)', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') }, { usersWaitingForE2EKeys: waiting(alice, bob) });
			expect(await announcedBy(roomkey, () => reject(rid))).to.deep.equal([`subscriptions ${alice.id}`]);
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id, bob.id]);
		});

		it('queues nobody in a room that is not encrypted (5.1)', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') }, { encrypted: false });
			expect(await announcedBy(roomkey, () => reject(rid))).to.deep.equal([`subscriptions ${alice.id}`]);
			expect(await queueOf(roomkey.store, rid)).to.equal(null);
		});

		it('keeps a newer offer that has replaced the rejected one', async () => {
			const rid = await addOffered({ E2ESuggestedKey: sealed('k') });
			const newer = sealed('k');
			hooked.before('subscriptions', 'findOneAndUpdate', () =>
				roomkey.store.subscriptions.updateOne({ rid }, { $set: { E2ESuggestedKey: newer } }),
			);
			await reject(rid);
			expect((await membershipOf(roomkey.store, rid, alice)).E2ESuggestedKey).to.equal(newer);
		});

		it('does not queue a member without identity keys (E9)', async () => {
			const carol = await addPerson(roomkey.store);
			const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
			await addMember(roomkey.store, rid, carol, { E2ESuggestedKey: sealed('k') });
			await roomkey.call(carol, REJECT, rid);
			expect(await queueOf(roomkey.store, rid)).to.equal(null);
		});
	});
});
