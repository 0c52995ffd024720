/**
 * Resets of identity keys (test/contract/rocketchat-e2e.md 4, 4.7, 5.5, 6, 10.4, 12; test/contract/beyond.md E9, E11). A
 * number after # is an issue of Rocket.Chat, listed in section 12.
 */
import { expect } from 'chai';
import type { User } from '../../shared/documents.js';
import { recordEvents } from '../support/announced.js';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { openHookedRoomkey } from '../support/hooks.js';
import { identityTexts } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const OWN = 'e2e.resetOwnE2EKey';
const OTHERS = 'e2e.resetUserE2EKey';
const REST = 'users.resetE2EKey';

describe('the reset of identity keys', () => {
	let roomkey: TestRoomkey;
	let crashing: CrashingStore;
	let bob: Person;
	let admin: Person;

	before(async () => {
		roomkey = await openRoomkey(undefined, {}, (real) => {
			crashing = crashingStore(real);
			return crashing.store;
		});
		bob = await addPerson(roomkey.store, { e2e: identityTexts('bob') });
		admin = await addPerson(roomkey.store, { roles: ['admin'] });
	});
	after(() => roomkey.close());
	afterEach(() => crashing.crashAfter(Number.POSITIVE_INFINITY));

	/** Stores alice, who alone holds the key of one room, shares another with bob, has an offer, and waits in two queues. */
	async function world({ store } = roomkey, fields: Partial<User> = {}) {
		const alice = await addPerson(store, { ...fields, e2e: identityTexts('alice') });
		const alone = await addRoom(store, [bob], { encrypted: true, e2eKeyId: 'id-1' });
		await addMember(store, alone, alice, { E2EKey: `alone ${alice.id}` });
		const shared = await addRoom(store, [], { encrypted: true, e2eKeyId: 'id-2' });
		await addMember(store, shared, alice, {
			E2EKey: `shared ${alice.id}`,
			oldRoomKeys: [{ e2eKeyId: 'id-0', ts: new Date(0), E2EKey: `old ${alice.id}` }],
		});
		await addMember(store, shared, bob, { E2EKey: `shared ${bob.id} ${alice.id}` });
		const waiting = [alice.id, bob.id].map((userId) => ({ userId, ts: new Date() }));
		const offered = await addRoom(store, [bob], { encrypted: true, e2eKeyId: 'id-3', usersWaitingForE2EKeys: waiting });
		await addMember(store, offered, alice, { E2ESuggestedKey: `offered ${alice.id}` });
		const queued = await addRoom(store, [alice], {
			encrypted: true,
			e2eKeyId: 'id-4',
			usersWaitingForE2EKeys: waiting.slice(0, 1),
		});
		return { alice, alone, shared, offered, queued };
	}
	type World = Awaited<ReturnType<typeof world>>;

	const userOf = ({ id }: Person) => roomkey.store.users.findOne({ _id: id });
	const membershipOf = (rid: string, { id }: Person) => roomkey.store.subscriptions.findOne({ rid, 'u._id': id });
	const waitingIn = async (rid: string) =>
		(await roomkey.store.rooms.findOne({ _id: rid }))?.usersWaitingForE2EKeys?.map(({ userId }) => userId);

	async function keysOf(rid: string, who: Person) {
		const membership = await membershipOf(rid, who);
		return [membership?.E2EKey, ...(membership?.oldRoomKeys ?? []).map(({ E2EKey }) => E2EKey)].filter(Boolean);
	}

	async function expectDone({ alice, alone, shared, offered, queued }: World) {
		const user = await userOf(alice);
		expect(user).to.not.have.any.keys('e2e', 'e2eRekeying', 'e2eQueueing');
		expect(user?.services?.resume?.loginTokens).to.deep.equal([]);
		expect(user?.e2eKeyHistory?.map(({ public_key }) => public_key)).to.deep.equal(['public alice']);
		for (const rid of [alone, shared, offered, queued]) {
			expect(await membershipOf(rid, alice)).to.not.have.any.keys('E2EKey', 'E2ESuggestedKey', 'suggestedOldRoomKeys');
		}
		expect(await keysOf(alone, alice)).to.deep.equal([`alone ${alice.id}`]);
		expect(await keysOf(shared, alice)).to.deep.equal([`shared ${alice.id}`, `old ${alice.id}`]);
		expect(await keysOf(shared, bob)).to.deep.equal([`shared ${bob.id} ${alice.id}`]);
		expect(await waitingIn(offered)).to.deep.equal([bob.id]);
		for (const rid of [alone, shared, queued]) expect(await waitingIn(rid)).to.equal(undefined);
	}

	describe('e2e.resetOwnE2EKey (4.7)', () => {
		it('removes identity keys, archives room keys, and ends waiting and logins (5.5, E9, #12331)', async () => {
			const stored = await world();
			expect(await roomkey.call(stored.alice, OWN)).to.deep.equal({ lastKeyHolder: true });
			await expectDone(stored);
		});

		it('returns true if every room still has a holder of its key', async () => {
			const alice = await addPerson(roomkey.store, { e2e: identityTexts('alice') });
			const rid = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, rid, alice, { E2EKey: `key ${alice.id}` });
			await addMember(roomkey.store, rid, bob, { E2EKey: `key ${alice.id} ${bob.id}` });
			expect(await roomkey.call(alice, OWN)).to.equal(true);
		});

		it('returns true to a user without identity keys, and ends their logins too', async () => {
			const carol = await addPerson(roomkey.store);
			expect(await roomkey.call(carol, OWN)).to.equal(true);
			const user = await userOf(carol);
			expect(user?.services?.resume?.loginTokens).to.deep.equal([]);
			expect(user).to.not.have.any.keys('e2e', 'e2eRekeying', 'e2eKeyHistory');
		});

		it('announces the changed documents, and tells clients of the user to log out (10.4)', async () => {
			const { alice, alone, shared, offered, queued } = await world();
			const ended: unknown[] = [];
			const stop = roomkey.bus.on('tokens-removed', (event) => void ended.push(event));
			const received = await recordEvents(roomkey.bus, () => roomkey.call(alice, OWN));
			stop();
			expect(received.named(`notify-user ${alice.id}/force_logout`)).to.deep.equal([[]]);
			const memberships = await Promise.all([alone, shared, offered].map((rid) => membershipOf(rid, alice)));
			expect(received.of('subscriptions')).to.have.members(
				memberships.map((membership) => `updated ${membership?._id}`),
			);
			expect(received.of('rooms')).to.have.members([`updated ${offered}`, `updated ${queued}`]);
			expect(received.of('users')).to.deep.equal([`updated ${alice.id}`]);
			expect(ended).to.have.length(1);
			expect(JSON.stringify(received)).to.not.contain('private alice');
		});

		it('refuses a caller who is not logged in', async () => {
			expect(await rejection(roomkey.call(null, OWN))).to.deep.include({
				error: 'error-invalid-user',
				reason: 'Invalid user',
				details: { method: OWN },
			});
		});

		it('refuses a federated user (5.5), and writes nothing', async () => {
			const { alice } = await world(roomkey, { federated: true });
			// Restarts the count of `writes`.
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			expect(await rejection(roomkey.call(alice, OWN))).to.deep.include({
				error: 'error-not-allowed',
				reason: 'Federated Users cant have TOTP',
				details: { function: 'resetTOTP' },
			});
			expect(crashing.writes).to.equal(0);
		});

		it('lets a user with new identity keys wait again in all rooms (E9)', async () => {
			const { alice, alone, shared, offered, queued } = await world();
			await roomkey.call(alice, OWN);
			await roomkey.call(alice, 'e2e.setUserPublicAndPrivateKeys', identityTexts('new'));
			for (const rid of [alone, shared, offered, queued]) expect(await waitingIn(rid)).to.include(alice.id);
			expect(await keysOf(shared, alice)).to.deep.equal([`shared ${alice.id}`, `old ${alice.id}`]);
		});

		it('leaves the user waiting only if concurrently stored identity keys remain (E9)', async () => {
			for (let i = 0; i < 20; i++) {
				const { alice, ...rooms } = await world();
				// Each round stores the new keys at a later moment of the reset.
				const storeNewKeys = async () => {
					for (let pause = 0; pause < i; pause++) await roomkey.store.users.findOne({ _id: alice.id });
					await roomkey.call(alice, 'e2e.setUserPublicAndPrivateKeys', { ...identityTexts('new'), force: true });
				};
				await Promise.all([roomkey.call(alice, OWN), storeNewKeys()]);
				const user = await userOf(alice);
				expect(user).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
				expect(user?.services?.resume?.loginTokens).to.deep.equal([]);
				for (const rid of Object.values(rooms)) {
					expect((await waitingIn(rid))?.includes(alice.id) ?? false, `round ${i}`).to.equal(user?.e2e !== undefined);
					expect(await membershipOf(rid, alice)).to.not.have.any.keys('E2EKey', 'E2ESuggestedKey');
				}
				expect(await keysOf(rooms.alone, alice)).to.deep.equal([`alone ${alice.id}`]);
			}
		});
	});

	it('loses no key by a crash, and is completed by a repeated call (5.5)', async () => {
		const uninterrupted = await world();
		// Restarts the count of `writes`.
		crashing.crashAfter(Number.POSITIVE_INFINITY);
		await roomkey.call(uninterrupted.alice, OWN);
		const { writes } = crashing;
		// The marker `e2eRekeying`, three memberships, two queues, the removal of the queue that is empty, and the logins.
		expect(writes).to.equal(8);
		for (let n = 0; n < writes; n++) {
			const interrupted = await world();
			const { alice, alone, shared } = interrupted;
			crashing.crashAfter(n);
			await rejection(roomkey.call(alice, OWN));
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			expect(await keysOf(alone, alice), `after ${n} writes`).to.deep.equal([`alone ${alice.id}`]);
			expect(await keysOf(shared, alice)).to.deep.equal([`shared ${alice.id}`, `old ${alice.id}`]);
			expect(await keysOf(shared, bob)).to.deep.equal([`shared ${bob.id} ${alice.id}`]);
			// Until the reset is complete, the user can log in and repeat it.
			expect((await userOf(alice))?.services?.resume?.loginTokens).to.have.length(1);
			await roomkey.call(alice, OWN);
			await expectDone(interrupted);
		}
	});

	it('is completed when the user stores new identity keys after a crash (5.5)', async () => {
		const { alice, alone, shared } = await world();
		crashing.crashAfter(1);
		await rejection(roomkey.call(alice, OWN));
		crashing.crashAfter(Number.POSITIVE_INFINITY);
		await roomkey.call(alice, 'e2e.setUserPublicAndPrivateKeys', identityTexts('new'));
		for (const rid of [alone, shared]) {
			expect(await membershipOf(rid, alice)).to.not.have.property('E2EKey');
			expect(await waitingIn(rid)).to.include(alice.id);
		}
		expect(await keysOf(alone, alice)).to.deep.equal([`alone ${alice.id}`]);
	});

	describe('the last holder of a key (E11)', () => {
		it('and the room are notified, even if the room has no other members', async () => {
			const { alice, alone, shared } = await world();
			const mine = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
			await addMember(roomkey.store, mine, alice, { E2EKey: `mine ${alice.id}` });
			const received = await recordEvents(roomkey.bus, async () => {
				expect(await roomkey.call(alice, OWN)).to.deep.equal({ lastKeyHolder: true });
			});
			for (const rid of [alone, mine]) {
				expect(received.named(`notify-room ${rid}/e2e.noKeyHolder`)).to.deep.equal([[alice.id]]);
			}
			expect(received.named(`notify-room ${shared}/e2e.noKeyHolder`)).to.deep.equal([]);
		});

		it('is notified even if the last two holders reset their keys concurrently', async () => {
			const [one, two] = [
				await addPerson(roomkey.store, { e2e: identityTexts('one') }),
				await addPerson(roomkey.store, { e2e: identityTexts('two') }),
			];
			const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
			for (const who of [one, two]) await addMember(roomkey.store, rid, who, { E2EKey: `${rid} ${who.id}` });
			const outcomes = await Promise.all([roomkey.call(one, OWN), roomkey.call(two, OWN)]);
			expect(outcomes).to.deep.include({ lastKeyHolder: true });
		});

		it('is also a user who accepts the key during the reset', async () => {
			const { roomkey: racing, hooked } = await openHookedRoomkey();
			const alice = await addPerson(racing.store, { e2e: identityTexts('alice') });
			const rid = await addRoom(racing.store, [], { encrypted: true, e2eKeyId: 'id' });
			await addMember(racing.store, rid, alice, { E2ESuggestedKey: `offered ${alice.id}` });
			const accept = () => racing.call(alice, 'e2e.acceptSuggestedGroupKey', rid);
			hooked.before('subscriptions', 'findOneAndUpdate', accept);
			expect(await racing.call(alice, OWN)).to.deep.equal({ lastKeyHolder: true });
			await racing.close();
		});

		it('must confirm the reset if `confirmLastKeyHolder` is set', async () => {
			let countingStore: CrashingStore | undefined;
			const strict = await openRoomkey(undefined, { confirmLastKeyHolder: true }, (real) => {
				countingStore = crashingStore(real);
				return countingStore.store;
			});
			const { alice } = await world(strict);
			const boss = await addPerson(strict.store, { roles: ['admin'] });
			for (const [who, name, ...params] of [
				[alice, OWN],
				[alice, OWN, false],
				[alice, REST],
				[boss, OTHERS, alice.id],
				[boss, REST, alice.id],
			] as const) {
				expect(await rejection(strict.call(who, name, ...params))).to.deep.include({
					error: 'error-last-key-holder',
					details: { method: name },
				});
			}
			expect(countingStore?.writes).to.equal(0);
			expect(await strict.call(boss, OTHERS, alice.id, true)).to.deep.equal({ lastKeyHolder: true });
			// A user who is not the last holder of a key needs no confirmation.
			const carol = await addPerson(strict.store, { e2e: identityTexts('carol') });
			expect(await strict.call(carol, OWN)).to.equal(true);
			await strict.close();
		});
	});

	describe('e2e.resetUserE2EKey, for admins (4, 5.5)', () => {
		it("resets the keys of another user and ends that user's logins, not the admin's", async () => {
			const stored = await world();
			expect(await roomkey.call(admin, OTHERS, stored.alice.id)).to.deep.equal({ lastKeyHolder: true });
			await expectDone(stored);
			expect((await userOf(admin))?.services?.resume?.loginTokens).to.have.length(1);
			expect(await roomkey.call(admin, OTHERS, stored.alice.id)).to.equal(true);
		});

		it('refuses callers who are no admins', async () => {
			const { alice } = await world();
			for (const [who, error, reason] of [
				[bob, 'error-not-allowed', 'Not allowed'],
				[null, 'error-invalid-user', 'Invalid user'],
			] as const) {
				const refused = await rejection(roomkey.call(who, OTHERS, alice.id));
				expect(refused).to.deep.include({ error, reason, details: { method: OTHERS } });
			}
			expect((await userOf(alice))?.e2e).to.deep.equal(identityTexts('alice'));
		});

		it('refuses an unknown user', async () => {
			expect(await rejection(roomkey.call(admin, OTHERS, 'nobody'))).to.deep.include({
				error: 'error-invalid-user',
				details: { method: OTHERS },
			});
		});
	});

	describe('users.resetE2EKey (6)', () => {
		for (const [what, argumentsFor] of [
			['no user', () => []],
			["the caller's id", ({ id }: Person) => [id]],
			["the caller's username", ({ username }: Person) => [undefined, username]],
			["the caller's username as `user`", ({ username }: Person) => [undefined, undefined, username]],
		] as const) {
			it(`resets the caller's keys if the arguments contain ${what}`, async () => {
				const stored = await world();
				expect(await roomkey.call(stored.alice, REST, ...argumentsFor(stored.alice))).to.deep.equal({
					lastKeyHolder: true,
				});
				await expectDone(stored);
			});
		}

		it('returns nothing if every room still has a holder of its key', async () => {
			const carol = await addPerson(roomkey.store, { e2e: identityTexts('carol') });
			expect(await roomkey.call(carol, REST)).to.equal(undefined);
		});

		for (const [what, argumentsFor] of [
			['id', ({ id }: Person) => [id]],
			['username', ({ username }: Person) => [undefined, username]],
			['user', ({ username }: Person) => [undefined, undefined, username]],
		] as const) {
			it(`lets an admin reset the keys of another user by ${what}`, async () => {
				const stored = await world();
				await roomkey.call(admin, REST, ...argumentsFor(stored.alice));
				await expectDone(stored);
			});
		}

		it('refuses an unknown user', async () => {
			for (const params of [['nobody'], [undefined, 'nobody'], ['']]) {
				expect(await rejection(roomkey.call(admin, REST, ...params))).to.deep.include({
					error: 'error-invalid-user-id',
					reason: 'Invalid user id',
					details: { method: REST },
				});
			}
		});

		it('refuses callers without the permission, whether or not the user exists', async () => {
			const { alice } = await world();
			for (const params of [[alice.id], [undefined, alice.username], ['nobody']]) {
				expect(await rejection(roomkey.call(bob, REST, ...params))).to.deep.include({
					error: 'error-not-allowed',
					reason: 'Not allowed',
					details: { method: REST },
				});
			}
			expect((await userOf(alice))?.e2e).to.deep.equal(identityTexts('alice'));
		});
	});
});
