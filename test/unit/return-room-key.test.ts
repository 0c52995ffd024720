/** `e2e.returnRoomKey` (test/contract/beyond.md E16): a member returns a wrong key that has the right key id. */
import { expect } from 'chai';
import { recordEvents } from '../support/announced.js';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { identity, membershipOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.returnRoomKey';
const PROVIDE = 'e2e.provideUsersSuggestedGroupKeys';

interface State {
	readonly holders: number;
	readonly waiting: number;
	readonly returnedOffers?: { by: string; to: string; at: Date }[];
}

describe('e2e.returnRoomKey', () => {
	let roomkey: TestRoomkey;
	let crashing: CrashingStore;
	let mallory: Person;
	let alice: Person;
	let bob: Person;

	before(async () => {
		// Without a lease time, a waiting member is shown to several providers at once.
		roomkey = await openRoomkey(undefined, { leaseTime: 0 }, (real) => {
			crashing = crashingStore(real);
			return crashing.store;
		});
		mallory = await addPerson(roomkey.store, identity('mallory'));
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
	});
	after(() => roomkey.close());
	afterEach(() => crashing.crashAfter(Number.POSITIVE_INFINITY));

	const returnKey = (rid: string, as = bob) => roomkey.call(as, NAME, rid);
	const state = async (rid: string) => (await roomkey.call(alice, 'e2e.roomState', rid)) as State;
	const provide = (as: Person, rid: string, key = sealed('k')) =>
		roomkey.call(as, PROVIDE, { [rid]: [{ _id: bob.id, key }] });

	/** Stores a room whose key alice and mallory hold, and where bob has accepted a wrong key from mallory. */
	async function deceived(): Promise<{ rid: string; wrong: string }> {
		const rid = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: 'k' });
		for (const holder of [alice, mallory]) await addMember(roomkey.store, rid, holder, { E2EKey: sealed('k') });
		const wrong = sealed('k');
		await provide(mallory, rid, wrong);
		await roomkey.call(bob, 'e2e.acceptSuggestedGroupKey', rid);
		return { rid, wrong };
	}

	it('archives the key with the user who had offered it, and queues the member', async () => {
		const { rid, wrong } = await deceived();
		const received = await recordEvents(roomkey.bus, async () => expect(await returnKey(rid)).to.equal(undefined));
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership).to.not.have.property('E2EKey');
		expect(membership.oldRoomKeys).to.have.length(1);
		expect(membership.oldRoomKeys?.[0]).to.include({
			e2eKeyId: 'k',
			E2EKey: wrong,
			returned: true,
			offeredBy: mallory.id,
		});
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		expect(received.of('rooms')).to.deep.equal([`updated ${rid}`]);
		expect(received.of('subscriptions')).to.have.length(1);
		expect(await state(rid)).to.include({ holders: 2, waiting: 1 });
	});

	it('archives the key with the user who had offered it, also after fifty returned keys', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, mallory, { E2EKey: sealed('k') });
		const e2eKnownKeys = Array.from({ length: 50 }, (_, i) => ({
			hash: `hash ${i}`,
			keyId: 'k',
			ts: new Date(i),
			returned: true,
		}));
		await addMember(roomkey.store, rid, bob, { e2eKnownKeys });
		await provide(mallory, rid);
		await roomkey.call(bob, 'e2e.acceptSuggestedGroupKey', rid);
		await returnKey(rid);
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership.oldRoomKeys?.[0]).to.include({ returned: true, offeredBy: mallory.id });
		expect(membership.e2eKnownKeys).to.have.length(50);
		expect(await provide(mallory, rid)).to.deep.equal({ skipped: [{ rid, _id: bob.id, reason: 'returned' }] });
	});

	it('allows another offer, but not by the user who had offered the key', async () => {
		const { rid } = await deceived();
		await returnKey(rid);
		const skipped = [{ rid, _id: bob.id, reason: 'returned' }];
		expect(await provide(mallory, rid)).to.deep.equal({ skipped });
		expect(await roomkey.call(mallory, 'e2e.updateGroupKey', rid, bob.id, sealed('k'))).to.deep.equal({ skipped });
		const waitingFor = async (as: Person) => roomkey.call(as, 'e2e.fetchUsersWaitingForGroupKey', [rid]);
		expect(await waitingFor(mallory)).to.deep.equal({ usersWaitingForE2EKeys: {} });
		expect(await waitingFor(alice))
			.to.have.nested.property(`usersWaitingForE2EKeys.${rid}`)
			.with.length(1);
		const right = sealed('k');
		expect(await provide(alice, rid, right)).to.equal(undefined);
		await roomkey.call(bob, 'e2e.acceptSuggestedGroupKey', rid);
		expect(await membershipOf(roomkey.store, rid, bob)).to.include({ E2EKey: right });
		expect(await state(rid)).to.include({ holders: 3, waiting: 0 });
	});

	it('lets nobody offer the returned key again', async () => {
		const { rid, wrong } = await deceived();
		await returnKey(rid);
		const skipped = [{ rid, _id: bob.id, reason: 'returned' }];
		expect(await provide(alice, rid, ` ${wrong}`)).to.deep.equal({ skipped });
		expect(await provide(mallory, rid)).to.deep.equal({ skipped });
		expect((await state(rid)).returnedOffers).to.have.length(1);
	});

	it('lets e2e.roomState list the returned offer until the key id changes', async () => {
		const { rid } = await deceived();
		expect(await state(rid)).to.not.have.property('returnedOffers');
		await returnKey(rid);
		const { returnedOffers = [] } = await state(rid);
		expect(returnedOffers.map(({ by, to }) => ({ by, to }))).to.deep.equal([{ by: mallory.id, to: bob.id }]);
		expect(returnedOffers[0]?.at).to.be.instanceOf(Date);
		await roomkey.store.rooms.updateOne({ _id: rid }, { $set: { e2eKeyId: 'next' } });
		expect(await state(rid)).to.not.have.property('returnedOffers');
		expect(await provide(mallory, rid, sealed('next'))).to.equal(undefined);
	});

	it('allows another offer by the same user once the receiver has new identity keys', async () => {
		const { rid } = await deceived();
		await returnKey(rid);
		// The returned key may have been sealed for the former identity keys.
		const pair = { ...identity('new keys of bob').e2e, force: true };
		await roomkey.call(bob, 'e2e.setUserPublicAndPrivateKeys', pair);
		expect(await provide(mallory, rid)).to.equal(undefined);
	});

	it('does not show in subscriptions/get who has offered which key', async () => {
		const { rid } = await deceived();
		await returnKey(rid);
		const listed = await roomkey.call(bob, 'subscriptions/get');
		expect(JSON.stringify(listed)).to.not.include('e2eKnownKeys');
	});

	it('reports that the member was the last holder of the key', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('k') });
		const received = await recordEvents(roomkey.bus, async () => {
			expect(await returnKey(rid)).to.deep.equal({ lastKeyHolder: true });
		});
		expect(received.named(`notify-room ${rid}/e2e.noKeyHolder`)).to.have.length(1);
		await roomkey.call(alice, 'e2e.resetRoomKey', rid, sealed('next'), 'next');
		expect(await state(rid)).to.include({ holders: 1 });
	});

	it('does not restore a returned key when a later one is archived', async () => {
		const { rid } = await deceived();
		await returnKey(rid);
		// `e2e.requestSubscriptionKeys` archives a key whose id is not that of the room.
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { E2EKey: sealed('stray') } });
		await roomkey.call(bob, 'e2e.requestSubscriptionKeys');
		expect(await membershipOf(roomkey.store, rid, bob)).to.not.have.property('E2EKey');
	});

	it('requires a membership and a key', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true, e2eKeyId: 'k' });
		expect(await rejection(returnKey(rid))).to.deep.include({
			error: 'error-subscription-not-found',
			details: { method: NAME },
		});
		expect(await rejection(returnKey(rid, alice))).to.deep.include({
			error: 'error-no-room-key',
			details: { method: NAME },
		});
	});

	it('is completed when the call is repeated after a crash between two writes', async () => {
		const uninterrupted = await deceived();
		// Restarts the count of `writes`.
		crashing.crashAfter(Number.POSITIVE_INFINITY);
		await returnKey(uninterrupted.rid);
		const { writes } = crashing;
		expect(writes).to.be.greaterThan(1);
		for (let n = 0; n < writes; n++) {
			const { rid, wrong } = await deceived();
			crashing.crashAfter(n);
			await rejection(returnKey(rid));
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			// The first write archives the key. Afterwards the call is refused, but completes the other writes.
			if (n === 0) await returnKey(rid);
			else expect(await rejection(returnKey(rid))).to.include({ error: 'error-no-room-key' });
			expect((await membershipOf(roomkey.store, rid, bob)).oldRoomKeys?.[0]).to.include({
				E2EKey: wrong,
				returned: true,
			});
			expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		}
	});
});
