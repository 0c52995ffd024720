/**
 * A key id and a first key in one call. Numbers in titles are sections of test/contract/rocketchat-e2e.md, those with an E
 * of test/contract/beyond.md. A number after # is an issue of Rocket.Chat, listed in section 12.
 */
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

	it('sets the key id of a room that has none, and notifies the room', async () => {
		const rid = await addUnkeyed();
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'k')).to.deep.equal({ keyID: 'k' });
		});
		expect(await keyIdOf(roomkey.store, rid)).to.equal('k');
		expect(announced).to.deep.equal([`rooms ${rid}`]);
	});

	it('returns the present key id, and queues the caller', async () => {
		const rid = await addUnkeyed({ e2eKeyId: 'first' });
		expect(await setOrGet(bob, rid, 'second')).to.deep.equal({ keyID: 'first' });
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		expect(await setOrGet(bob, rid, 'third', sealed('third'))).to.deep.equal({ keyID: 'first' });
		expect(await membershipOf(roomkey.store, rid, bob)).not.to.have.property('E2EKey');
	});

	it('also returns an offered key that has the present key id', async () => {
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

	it("stores the caller's key, dequeues the caller, and notifies the caller and room", async () => {
		const rid = await addUnkeyed({ usersWaitingForE2EKeys: [{ userId: alice.id, ts: new Date() }] });
		const key = sealed('k');
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'k', key)).to.deep.equal({ keyID: 'k' });
		});
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
		expect(announced).to.deep.equal([`rooms ${rid}`, `subscriptions ${alice.id}`, `rooms ${rid}`]);
	});

	it('stores the key of a caller who has set the key id earlier (E2)', async () => {
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

	it('lets one of 50 concurrent callers store a key, and queues the others', async () => {
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

	it("silently removes the caller's key if another key id is set meanwhile", async () => {
		const rid = await addUnkeyed();
		hooked.before('rooms', 'findOneAndUpdate', () => setOrGet(bob, rid, 'b', sealed('b')));
		const announced = await announcedBy(roomkey, async () => {
			expect(await setOrGet(alice, rid, 'a', sealed('a'))).to.deep.equal({ keyID: 'b' });
		});
		expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.any.keys('E2EKey', 'oldRoomKeys');
		expect(announced).not.to.include(`subscriptions ${alice.id}`);
	});

	it('keeps a stored key that has no key id (E6)', async () => {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'first' });
		await addMember(roomkey.store, rid, alice, { E2EKey: 'opaque' });
		expect(await setOrGet(alice, rid, 'second', 'opaque')).to.deep.equal({ keyID: 'first' });
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal('opaque');
	});

	it('keeps an offer to the caller if another key id is set meanwhile', async () => {
		const rid = await addRoom(roomkey.store, [bob], { encrypted: true });
		await addMember(roomkey.store, rid, alice, { E2ESuggestedKey: 'opaque offer' });
		hooked.before('rooms', 'findOneAndUpdate', () => setOrGet(bob, rid, 'b', sealed('b')));
		expect(await setOrGet(alice, rid, 'a', sealed('a'))).to.deep.equal({ keyID: 'b', suggestedKey: 'opaque offer' });
		expect((await membershipOf(roomkey.store, rid, alice)).E2ESuggestedKey).to.equal('opaque offer');
	});

	it('stores the key of the device that sets the key id, if two devices of a member call', async () => {
		const rid = await addUnkeyed();
		const keys = { one: sealed('one'), two: sealed('two') };
		const answers = await Promise.all([setOrGet(alice, rid, 'one', keys.one), setOrGet(alice, rid, 'two', keys.two)]);
		const { keyID } = answers[0] as Answer;
		expect(answers[1]).to.deep.equal({ keyID });
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(keys[keyID as keyof typeof keys]);
	});

	it("replaces a second device's late key by the key of the first device", async () => {
		const rid = await addUnkeyed();
		const winning = sealed('first');
		hooked.before('subscriptions', 'findOneAndUpdate', () => setOrGet(alice, rid, 'first', winning));
		expect(await setOrGet(alice, rid, 'second', sealed('second'))).to.deep.equal({ keyID: 'first' });
		const membership = await membershipOf(roomkey.store, rid, alice);
		expect(membership.E2EKey).to.equal(winning);
		expect(membership.oldRoomKeys ?? []).to.deep.equal([]);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('may leave a wrong key when interrupted, which e2e.requestSubscriptionKeys replaces by the archived key', async () => {
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

	it('answers identical repeated and concurrent calls alike, and stores one key', async () => {
		const rid = await addUnkeyed();
		const key = sealed('k');
		const calls = Array.from({ length: 5 }, () => setOrGet(alice, rid, 'k', key));
		for (const answer of await Promise.all(calls)) expect(answer).to.deep.equal({ keyID: 'k' });
		expect(await setOrGet(alice, rid, 'k', key)).to.deep.equal({ keyID: 'k' });
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('is completed when the call is repeated, after whichever write it was interrupted', async () => {
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

	it('removes the key of an interrupted call if another key id is set before the repetition', async () => {
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

	it('refuses the key of a caller who is no member, and sets no key id with it', async () => {
		const rid = await addRoom(roomkey.store, [bob], { t: 'c' });
		expect(await rejection(setOrGet(alice, rid, 'k', sealed('k')))).to.deep.include({
			error: 'error-subscription-not-found',
			details: { method: NAME },
		});
		expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
		expect(await setOrGet(alice, rid, 'k')).to.deep.equal({ keyID: 'k' });
		expect(await setOrGet(alice, rid, 'other')).to.deep.equal({ keyID: 'k' });
	});

	it('is refused while a reset is in progress', async () => {
		const e2eReset = { id: 'r', userId: bob.id, keyId: 'next', until: new Date(Date.now() + 60_000) };
		const rid = await addUnkeyed({ e2eReset });
		for (const key of [undefined, sealed('k')]) {
			expect(await rejection(setOrGet(alice, rid, 'k', key))).to.include({ error: 'error-e2e-key-reset-in-progress' });
		}
		expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
		expect(await membershipOf(roomkey.store, rid, alice)).not.to.have.property('E2EKey');
	});

	it('is refused with error-invalid-room if the room is deleted meanwhile', async () => {
		for (const key of [undefined, sealed('k')]) {
			const rid = await addUnkeyed();
			hooked.before('rooms', 'findOneAndUpdate', () => roomkey.store.rooms.deleteOne({ _id: rid }));
			expect(await rejection(setOrGet(alice, rid, 'k', key))).to.include({ error: 'error-invalid-room' });
		}
	});

	it('leaves the new key if the same member resets the room meanwhile', async () => {
		const rid = await addUnkeyed();
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { roles: ['owner'] } });
		await setOrGet(bob, rid, 'k', sealed('k'));
		// In each round, the reset comes before a different one of the call's readings of the membership.
		for (const skip of [0, 1, 2, 3]) {
			const id = `next-${skip}`;
			const key = sealed(id);
			hooked.before('subscriptions', 'findOne', () => roomkey.call(bob, 'e2e.resetRoomKey', rid, key, id), skip);
			await setOrGet(bob, rid, 'other', sealed('other'));
			expect(await keyIdOf(roomkey.store, rid)).to.equal(id);
			expect((await membershipOf(roomkey.store, rid, bob)).E2EKey).to.equal(key);
		}
	});

	it('announces the remaining key last if a second device stores and removes another', async () => {
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
		// The second device, which read no key id, stores its key after the first device has claimed the key id. It removes
		// its key after the call of the first device has ended.
		hooked.before('subscriptions', 'findOneAndUpdate', beginFirst);
		expect(await setOrGet(alice, rid, 'second', sealed('second'))).to.deep.equal({ keyID: 'first' });
		stop();
		expect((await membershipOf(roomkey.store, rid, alice)).E2EKey).to.equal(key);
		expect(lastKey).to.equal(key);
	});

	it('queues a caller whose key is removed because of a reset', async () => {
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

	it('refuses a key that is stored in another membership', async () => {
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
