/** The key id and the first key of a room, set in one call: test/contract/beyond.md E2, E6, E8; test/contract/rocketchat-e2e.md 4.1, 12. */
import { expect } from 'chai';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { type HookedStore, hookedStore } from '../support/hooks.js';
import { announcedBy, identity, membershipOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.setOrGetRoomKeyID';

interface Answer {
	keyID: string;
	suggestedKey?: string;
}

describe('e2e.setOrGetRoomKeyID (E8)', () => {
	let roomkey: TestRoomkey;
	let hooked: HookedStore;
	let crashing: CrashingStore;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey(undefined, {}, (store) => {
			crashing = crashingStore(store);
			hooked = hookedStore(crashing.store);
			return hooked.store;
		});
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
	});
	after(() => roomkey.close());
	beforeEach(() => crashing.crashAfter(Number.POSITIVE_INFINITY));

	const setOrGet = (as: Person | null, ...params: unknown[]) => roomkey.call(as, NAME, ...params) as Promise<Answer>;
	const addUnkeyed = (fields = {}) => addRoom(roomkey.store, [alice, bob], { encrypted: true, ...fields });

	it('sets the key id of a room that has none, and notifies the room (E8)', async () => {
		const rid = await addUnkeyed();
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'k')).to.deep.equal({ keyID: 'k' });
		});
		expect(await keyIdOf(roomkey.store, rid)).to.equal('k');
		expect(announced).to.deep.equal([`rooms ${rid}`]);
	});

	it('returns the present key id, and queues the caller (E8)', async () => {
		const rid = await addUnkeyed({ e2eKeyId: 'first' });
		expect(await setOrGet(bob, rid, 'second')).to.deep.equal({ keyID: 'first' });
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		expect(await setOrGet(bob, rid, 'third', sealed('third'))).to.deep.equal({ keyID: 'first' });
		expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2EKey');
	});

	it('returns the key that was offered to the caller, if it has the present key id (E8)', async () => {
		const offered = sealed('first');
		for (const [E2ESuggestedKey, answer] of [
			[offered, { suggestedKey: offered }],
			[sealed('another'), {}],
		] as const) {
			const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'first' });
			await addMember(roomkey.store, rid, bob, { E2ESuggestedKey });
			expect(await setOrGet(bob, rid, 'second')).to.deep.equal({ keyID: 'first', ...answer });
		}
	});

	it("stores the caller's key, and removes the caller from the queue; the room and the caller's membership are notified (E8)", async () => {
		const rid = await addUnkeyed({ usersWaitingForE2EKeys: [{ userId: alice.id, ts: new Date() }] });
		const key = sealed('k');
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'k', key)).to.deep.equal({ keyID: 'k' });
		});
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
		expect(announced).to.deep.equal([`rooms ${rid}`, `subscriptions ${alice.id}`, `rooms ${rid}`]);
	});

	it('a caller who has set the key id without a key can store the key by a later call (E2, E8)', async () => {
		const rid = await addUnkeyed();
		await roomkey.call(alice, 'e2e.setRoomKeyID', rid, 'k');
		const key = sealed('k');
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'k', key)).to.deep.equal({ keyID: 'k' });
		});
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
		expect(announced).to.deep.equal([`subscriptions ${alice.id}`]);
		// A stored key is not replaced by a key with the same key id.
		await setOrGet(alice, rid, 'k', sealed('k'));
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
	});

	it('one of 50 concurrent callers with keys sets the key id, no other keeps a key, and all receive the key id (E8)', async () => {
		const racers = await Promise.all(Array.from({ length: 50 }, () => addPerson(roomkey.store, identity())));
		const rid = await addRoom(roomkey.store, racers, { encrypted: true });
		const keys = racers.map((_, i) => sealed(`key-${i}`));
		const answers = await Promise.all(racers.map((racer, i) => setOrGet(racer, rid, `key-${i}`, keys[i])));
		const keyID = await keyIdOf(roomkey.store, rid);
		for (const answer of answers) expect(answer).to.deep.equal({ keyID });
		const winner = racers.findIndex((_, i) => keyID === `key-${i}`);
		expect(winner).not.to.equal(-1);
		const held = await Promise.all(racers.map((racer) => membershipOf(roomkey.store, rid, racer)));
		expect(held.map(({ E2EKey }) => E2EKey)).to.deep.equal(racers.map((_, i) => (i === winner ? keys[i] : undefined)));
		expect((await queueOf(roomkey.store, rid))?.sort()).to.deep.equal(
			racers.flatMap(({ id }, i) => (i === winner ? [] : [id])).sort(),
		);
	});

	it("the caller's key is removed without an event, if another key id is set after it was stored (E8)", async () => {
		const rid = await addUnkeyed();
		hooked.before('rooms', 'findOneAndUpdate', () => setOrGet(bob, rid, 'b', sealed('b')));
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'a', sealed('a'))).to.deep.equal({ keyID: 'b' });
		});
		expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.any.keys('E2EKey', 'oldRoomKeys');
		expect(announced).not.to.include(`subscriptions ${alice.id}`);
	});

	it('a key without an id is not removed from its holder (E6, E8)', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'first' });
		await addMember(roomkey.store, rid, alice, { E2EKey: 'opaque' });
		expect(await setOrGet(alice, rid, 'second', 'opaque')).to.deep.equal({ keyID: 'first' });
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal('opaque');
	});

	it('a caller keeps an offer if another key id is set (E8)', async () => {
		const rid = await addRoom(roomkey.store, [bob], { encrypted: true });
		await addMember(roomkey.store, rid, alice, { E2ESuggestedKey: 'opaque offer' });
		hooked.before('rooms', 'findOneAndUpdate', () => setOrGet(bob, rid, 'b', sealed('b')));
		expect(await setOrGet(alice, rid, 'a', sealed('a'))).to.deep.equal({ keyID: 'b', suggestedKey: 'opaque offer' });
		expect((await membershipOf(roomkey.store, rid, alice)).E2ESuggestedKey).to.equal('opaque offer');
	});

	it('the key of the device that sets the key id is kept, if a member has two devices (E8)', async () => {
		const rid = await addUnkeyed();
		const keys = { one: sealed('one'), two: sealed('two') };
		const answers = await Promise.all([setOrGet(alice, rid, 'one', keys.one), setOrGet(alice, rid, 'two', keys.two)]);
		const { keyID } = answers[0] as Answer;
		expect(answers[1]).to.deep.equal({ keyID });
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(keys[keyID as keyof typeof keys]);
	});

	it('a key that a second device stores after the first has set the key id is replaced by the key of the first (E8)', async () => {
		const rid = await addUnkeyed();
		const winning = sealed('first');
		hooked.before('subscriptions', 'findOneAndUpdate', () => setOrGet(alice, rid, 'first', winning));
		expect(await setOrGet(alice, rid, 'second', sealed('second'))).to.deep.equal({ keyID: 'first' });
		const membership = await membershipOf(roomkey.store, rid, alice);
		expect(membership.E2EKey).to.equal(winning);
		expect(membership.oldRoomKeys ?? []).to.deep.equal([]);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('e2e.requestSubscriptionKeys restores the archived key with the present key id, and archives a key that an interrupted call has left (E8)', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'first' });
		const winning = sealed('first');
		const left = sealed('second');
		const oldRoomKeys = [{ e2eKeyId: 'first', ts: new Date(), E2EKey: winning }];
		await addMember(roomkey.store, rid, alice, { E2EKey: left, oldRoomKeys });
		await roomkey.call(alice, 'e2e.requestSubscriptionKeys');
		const membership = await membershipOf(roomkey.store, rid, alice);
		expect(membership.E2EKey).to.equal(winning);
		expect(membership.oldRoomKeys?.map(({ E2EKey }) => E2EKey)).to.deep.equal([left]);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('repeated and concurrent identical calls keep the key of the first (E8)', async () => {
		const rid = await addUnkeyed();
		const key = sealed('k');
		const calls = Array.from({ length: 5 }, () => setOrGet(alice, rid, 'k', key));
		for (const answer of await Promise.all(calls)) expect(answer).to.deep.equal({ keyID: 'k' });
		expect(await setOrGet(alice, rid, 'k', key)).to.deep.equal({ keyID: 'k' });
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('a repeated call completes one that was interrupted after any write (E8)', async () => {
		for (let writes = 0; ; writes++) {
			const rid = await addUnkeyed({ usersWaitingForE2EKeys: [{ userId: alice.id, ts: new Date() }] });
			const key = sealed('k');
			crashing.crashAfter(writes);
			const crashed = await setOrGet(alice, rid, 'k', key).then(
				() => false,
				() => true,
			);
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			expect(await setOrGet(alice, rid, 'k', key)).to.deep.equal({ keyID: 'k' });
			expect(await keyIdOf(roomkey.store, rid)).to.equal('k');
			expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
			expect((await queueOf(roomkey.store, rid)) ?? []).to.deep.equal([]);
			if (!crashed) {
				expect(writes).to.be.greaterThan(2);
				return;
			}
		}
	});

	it('a repeated call removes the key that an interrupted one has stored, if another key id is set (E8)', async () => {
		const rid = await addUnkeyed();
		const key = sealed('a');
		crashing.crashAfter(1);
		await rejection(setOrGet(alice, rid, 'a', key));
		crashing.crashAfter(Number.POSITIVE_INFINITY);
		await setOrGet(bob, rid, 'b', sealed('b'));
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await setOrGet(alice, rid, 'a', key)).to.deep.equal({ keyID: 'b' });
		expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.property('E2EKey');
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('refuses a key whose key id is not the one in the call (E6)', async () => {
		const rid = await addUnkeyed();
		expect(await rejection(setOrGet(alice, rid, 'k', sealed('other')))).to.deep.include({
			error: 'error-key-id-mismatch',
			details: { method: NAME },
		});
		expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
	});

	it('a caller who is no member cannot store a key, and so does not set the key id with one (E8)', async () => {
		const rid = await addRoom(roomkey.store, [bob], { t: 'c' });
		expect(await rejection(setOrGet(alice, rid, 'k', sealed('k')))).to.deep.include({
			error: 'error-subscription-not-found',
			details: { method: NAME },
		});
		expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
		expect(await setOrGet(alice, rid, 'k')).to.deep.equal({ keyID: 'k' });
		expect(await setOrGet(alice, rid, 'other')).to.deep.equal({ keyID: 'k' });
	});

	it('is refused while a reset is in progress (E8)', async () => {
		const e2eReset = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(Date.now() + 60_000) };
		const rid = await addUnkeyed({ e2eReset });
		for (const key of [undefined, sealed('k')]) {
			expect(await rejection(setOrGet(alice, rid, 'k', key))).to.include({ error: 'error-e2e-key-reset-in-progress' });
		}
		expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
		expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.property('E2EKey');
	});

	it('leaves the new key of a reset of the same member that ends during the call', async () => {
		const rid = await addUnkeyed();
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { roles: ['owner'] } });
		await setOrGet(bob, rid, 'k', sealed('k'));
		// The reset ends before each reading of the membership in turn.
		for (const skip of [0, 1, 2, 3]) {
			const id = `next-${skip}`;
			const key = sealed(id);
			hooked.before('subscriptions', 'findOne', () => roomkey.call(bob, 'e2e.resetRoomKey', rid, key, id), skip);
			await setOrGet(bob, rid, 'other', sealed('other'));
			expect(await keyIdOf(roomkey.store, rid)).to.equal(id);
			expect((await membershipOf(roomkey.store, rid, bob)).E2EKey).to.equal(key);
		}
	});

	it('notifies the member at the end of the key that stays, if a second device has stored another and removed it again', async () => {
		const rid = await addUnkeyed();
		const key = sealed('first');
		let goOn = () => {};
		let first: Promise<unknown> | undefined;
		let lastKey: unknown;
		const stop = roomkey.bus.on('changed', ({ collection, document }) => {
			if (collection === 'subscriptions') lastKey = (document as { E2EKey?: string }).E2EKey;
		});
		const letFirstEnd = async () => {
			goOn();
			await first;
		};
		const beginFirst = () =>
			new Promise<void>((resolve) => {
				hooked.before('subscriptions', 'announce', () => {
					// The second device writes its key again after a conflict. The write after that removes the key.
					hooked.before('subscriptions', 'findOneAndUpdate', letFirstEnd, 1);
					resolve();
					return new Promise<void>((open) => {
						goOn = open;
					});
				});
				first = setOrGet(alice, rid, 'first', key);
			});
		// The second device has read the room without a key id. It stores its key when the first has claimed the key id, and
		// removes it when the first has ended.
		hooked.before('subscriptions', 'findOneAndUpdate', beginFirst);
		expect(await setOrGet(alice, rid, 'second', sealed('second'))).to.deep.equal({ keyID: 'first' });
		stop();
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(lastKey).to.equal(key);
	});

	it('queues a caller whose key is removed again during a reset, which has not queued the caller', async () => {
		const rid = await addUnkeyed();
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { roles: ['owner'] } });
		const lock = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(Date.now() + 60_000) };
		const begin = () => roomkey.store.rooms.updateOne({ _id: rid }, { $set: { e2eReset: lock } });
		hooked.before('rooms', 'findOneAndUpdate', begin);
		const refused = await rejection(setOrGet(alice, rid, 'k', sealed('k')));
		expect(refused).to.include({ error: 'error-e2e-key-reset-in-progress' });
		expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.property('E2EKey');
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('names the error of a key that is stored in another membership', async () => {
		const key = sealed('k');
		await setOrGet(alice, await addUnkeyed(), 'k', key);
		const refused = await rejection(setOrGet(bob, await addUnkeyed(), 'k', key));
		expect(refused).to.include({ error: 'error-key-in-use' });
	});

	it('refuses what setRoomKeyID refuses, and malformed keys', async () => {
		const rid = await addRoom(roomkey.store, [bob]);
		for (const [params, error] of [
			[[rid, ''], 'error-invalid-key-id'],
			[[rid, 'k'.repeat(129)], 'error-invalid-key-id'],
			[[rid, 'k'], 'error-invalid-room'],
			[['nowhere', 'k'], 'error-invalid-room'],
			[[rid, 'k', ''], 'error-invalid-key'],
			[[rid, 'k', 'k'.repeat(4097)], 'error-invalid-key'],
		] as const) {
			expect(await rejection(setOrGet(alice, ...params))).to.include({ error });
		}
		for (const params of [[], ['rid'], ['rid', 5], ['rid', 'k', 5]]) {
			expect((await rejection(setOrGet(null, ...params))).message).to.match(/^Match error/);
		}
		expect(await rejection(setOrGet(null, rid, 'k'))).to.deep.include({
			error: 'error-invalid-user',
			details: { method: NAME },
		});
	});
});

describe('a caller of setRoomKeyID when another caller has set the key id', () => {
	it('is refused and queued (12 #36731, 4.1)', async () => {
		const roomkey = await openRoomkey();
		const racers = await Promise.all(Array.from({ length: 20 }, () => addPerson(roomkey.store, identity())));
		const rid = await addRoom(roomkey.store, racers, { encrypted: true });
		const outcomes = await Promise.allSettled(
			racers.map((racer, i) => roomkey.call(racer, 'e2e.setRoomKeyID', rid, `key-${i}`)),
		);
		const losers = racers.filter((_, i) => outcomes[i]?.status === 'rejected').map(({ id }) => id);
		expect(losers).to.have.length(19);
		expect((await queueOf(roomkey.store, rid))?.sort()).to.deep.equal(losers.sort());
		await roomkey.close();
	});
});
