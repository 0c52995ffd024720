/** Replacing identity keys, and crashes while they are stored: test/contract/beyond.md E4, E11, T1. */
import { expect } from 'chai';
import { removeServedUsers } from '../../methods/model/keys/queue.js';
import type { KeyHistoryEntry } from '../../shared/documents.js';
import { recordEvents } from '../support/announced.js';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { identityTexts, publicKey } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const SET = 'e2e.setUserPublicAndPrivateKeys';
const FETCH = 'e2e.fetchMyKeys';

describe('stored identity keys:', () => {
	let roomkey: TestRoomkey;
	let crashing: CrashingStore;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey(undefined, {}, (real) => {
			crashing = crashingStore(real);
			return crashing.store;
		});
	});
	after(() => roomkey.close());
	beforeEach(async () => {
		alice = await addPerson(roomkey.store);
		bob = await addPerson(roomkey.store, { e2e: identityTexts('of bob') });
	});
	afterEach(() => crashing.crashAfter(Number.POSITIVE_INFINITY));

	const set = (as: Person, keys: object) => roomkey.call(as, SET, keys);
	const userOf = async ({ id }: Person) => roomkey.store.users.findOne({ _id: id });
	const membershipOf = (rid: string, { id }: Person) => roomkey.store.subscriptions.findOne({ rid, 'u._id': id });
	const waitingIn = async (rid: string) =>
		(await roomkey.store.rooms.findOne({ _id: rid }))?.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? [];

	describe('replacing the identity keys with `force` (E4)', () => {
		it('archives room keys sealed for the former identity key, and queues the user', async () => {
			await set(alice, identityTexts('1'));
			const keyed = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id-1' });
			await addMember(roomkey.store, keyed, alice, {
				E2EKey: `key of ${alice.id}`,
				oldRoomKeys: [{ e2eKeyId: 'id-0', ts: new Date(0), E2EKey: 'older' }],
			});
			const offered = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id-2' });
			await addMember(roomkey.store, offered, alice, {
				E2ESuggestedKey: 'offered',
				suggestedOldRoomKeys: [{ e2eKeyId: 'id-0', ts: new Date(0), E2EKey: 'older' }],
			});
			const unencrypted = await addRoom(roomkey.store, [], { e2eKeyId: 'id-3' });
			await addMember(roomkey.store, unencrypted, alice, { E2EKey: `open key of ${alice.id}` });

			const received = await recordEvents(roomkey.bus, () => set(alice, { ...identityTexts('2'), force: true }));

			const membership = await membershipOf(keyed, alice);
			expect(membership).to.not.have.any.keys('E2EKey', 'E2ESuggestedKey');
			expect(membership?.oldRoomKeys?.map(({ e2eKeyId, E2EKey }) => [e2eKeyId, E2EKey])).to.deep.equal([
				['id-1', `key of ${alice.id}`],
				['id-0', 'older'],
			]);
			expect(await membershipOf(offered, alice)).to.not.have.any.keys(
				'E2EKey',
				'E2ESuggestedKey',
				'suggestedOldRoomKeys',
				'oldRoomKeys',
			);
			expect((await membershipOf(unencrypted, alice))?.oldRoomKeys?.[0]?.E2EKey).to.equal(`open key of ${alice.id}`);
			expect(await waitingIn(keyed)).to.deep.equal([alice.id]);
			expect(await waitingIn(offered)).to.deep.equal([alice.id]);
			expect(await waitingIn(unencrypted)).to.deep.equal([]);
			expect(received.of('rooms')).to.have.members([`updated ${keyed}`, `updated ${offered}`]);
			expect(received.of('subscriptions')).to.have.length(3);
			expect(await userOf(alice)).to.not.have.property('e2eRekeying');
		});

		it('notifies a room that has no holder of its key any more', async () => {
			await set(alice, identityTexts('1'));
			const lost = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: 'id' });
			await addMember(roomkey.store, lost, alice, { E2EKey: `lost ${alice.id}` });
			const held = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
			await addMember(roomkey.store, held, alice, { E2EKey: `held ${alice.id}` });
			await addMember(roomkey.store, held, bob, { E2EKey: `held ${bob.id}` });
			const received = await recordEvents(roomkey.bus, async () => {
				expect(await set(alice, { ...identityTexts('2'), force: true })).to.deep.equal({ lastKeyHolder: true });
			});
			expect(received.named(`notify-room ${lost}/e2e.noKeyHolder`)).to.have.length(1);
			expect(received.named(`notify-room ${held}/e2e.noKeyHolder`)).to.have.length(0);
			expect(await set(alice, { ...identityTexts('3'), force: true })).to.equal(undefined);
		});

		it('requires confirmation of a last key holder with `confirmLastKeyHolder` (E11)', async () => {
			const strict = await openRoomkey(undefined, { confirmLastKeyHolder: true });
			const carol = await addPerson(strict.store, { e2e: identityTexts('1') });
			const rid = await addRoom(strict.store, [bob], { encrypted: true, e2eKeyId: 'id' });
			await addMember(strict.store, rid, carol, { E2EKey: 'the only one' });
			const replace = (more: object) => strict.call(carol, SET, { ...identityTexts('2'), force: true, ...more });
			expect(await rejection(replace({}))).to.include({ error: 'error-last-key-holder' });
			expect((await strict.store.users.findOne({ _id: carol.id }))?.e2e).to.deep.equal(identityTexts('1'));
			expect(await replace({ confirm: true })).to.deep.equal({ lastKeyHolder: true });
			await strict.close();
		});

		it('writes nothing and sends no event for the identical pair (T1)', async () => {
			await set(alice, identityTexts('1'));
			const rid = await addRoom(roomkey.store, [alice], { encrypted: true });
			const before = await userOf(alice);
			// Resets `writes` to 0.
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...identityTexts('1'), force: true }));
			expect(crashing.writes).to.equal(0);
			expect([received.changes, received.notices]).to.deep.equal([[], []]);
			expect(await userOf(alice)).to.deep.equal(before);
			expect(await waitingIn(rid)).to.deep.equal([]);
		});

		it('archives no room key if only the order of the fields in the JWK changes', async () => {
			const text = publicKey('1');
			const { kty, n, e, ...others } = JSON.parse(text);
			await set(alice, { public_key: text, private_key: 'p' });
			const rid = await addRoom(roomkey.store, [bob], { encrypted: true });
			await addMember(roomkey.store, rid, alice, { E2EKey: `key of ${alice.id}` });
			const keys = { public_key: JSON.stringify({ n, ...others, e, kty }), private_key: 'wrapped anew' };
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...keys, force: true }));
			expect(await roomkey.call(alice, FETCH)).to.deep.equal(keys);
			expect((await membershipOf(rid, alice))?.E2EKey).to.equal(`key of ${alice.id}`);
			expect([received.of('subscriptions'), received.notices]).to.deep.equal([[], []]);
			const { total } = (await roomkey.call(alice, 'e2e.keyHistory', alice.id)) as { total: number };
			expect(total).to.equal(1);
			await set(alice, { public_key: publicKey('2'), private_key: 'p', force: true });
			expect(await membershipOf(rid, alice)).to.not.have.property('E2EKey');
		});

		it('changes no membership if only the private key is new', async () => {
			await set(alice, identityTexts('1'));
			const rid = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, rid, alice, { E2EKey: `key of ${alice.id}` });
			const keys = { ...identityTexts('1'), private_key: 'wrapped anew' };
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...keys, force: true }));
			expect(await roomkey.call(alice, FETCH)).to.deep.equal(keys);
			expect((await membershipOf(rid, alice))?.E2EKey).to.equal(`key of ${alice.id}`);
			expect(received.of('subscriptions')).to.deep.equal([]);
			expect(received.notices).to.deep.equal([]);
			expect((await userOf(alice))?.e2eKeyHistory).to.have.length(1);
		});

		// `roomsOfUser` reads 200 rooms at a time.
		it('updates every one of 250 rooms', async () => {
			await set(alice, identityTexts('1'));
			const rids = [];
			for (let i = 0; i < 250; i++) {
				const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
				await addMember(roomkey.store, rid, alice, { E2EKey: `${i} of ${alice.id}` });
				rids.push(rid);
			}
			await set(alice, { ...identityTexts('2'), force: true });
			const memberships = await roomkey.store.subscriptions.find({ 'u._id': alice.id }).toArray();
			expect(memberships.filter(({ E2EKey, oldRoomKeys }) => !E2EKey && oldRoomKeys?.length === 1)).to.have.length(250);
			const queued = { _id: { $in: rids }, 'usersWaitingForE2EKeys.userId': alice.id };
			expect(await roomkey.store.rooms.countDocuments(queued)).to.equal(250);
		});

		it('yields to other calls while it updates 500 rooms, and notifies each member once', async () => {
			await set(alice, identityTexts('1'));
			for (let i = 0; i < 500; i++) {
				const rid = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: 'id' });
				await addMember(roomkey.store, rid, alice, { E2EKey: `${i} of ${alice.id}` });
			}
			let others = 0;
			let next: NodeJS.Immediate | undefined;
			const other = () => {
				others++;
				next = setImmediate(other);
			};
			other();
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...identityTexts('2'), force: true }));
			clearImmediate(next);
			expect(others).to.be.greaterThan(10);
			expect(received.named(`notify-user ${bob.id}/e2eIdentityChanged`)).to.have.length(1);
		});

		it('leaves a member who accepts an offer concurrently either with a key or in the queue', async () => {
			for (let i = 0; i < 30; i++) {
				const carol = await addPerson(roomkey.store, { e2e: identityTexts(`${i} first`) });
				const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
				await addMember(roomkey.store, rid, carol, { E2ESuggestedKey: `offer ${carol.id}` });
				const accept = async () => {
					for (let pause = 0; pause < i % 10; pause++) await roomkey.store.users.findOne({ _id: carol.id });
					const { matchedCount } = await roomkey.store.subscriptions.updateOne(
						{ rid, 'u._id': carol.id, E2ESuggestedKey: `offer ${carol.id}` },
						{ $set: { E2EKey: `offer ${carol.id}` }, $unset: { E2ESuggestedKey: 1 } },
					);
					if (matchedCount > 0) await removeServedUsers(roomkey.store, rid, [carol.id]);
				};
				await Promise.all([set(carol, { ...identityTexts(`${i} second`), force: true }), accept()]);
				const keyed = (await membershipOf(rid, carol))?.E2EKey !== undefined;
				expect((await waitingIn(rid)).includes(carol.id), `round ${i}`).to.equal(!keyed);
			}
		});
	});

	describe('a crash between two writes (E4)', () => {
		/** Makes a new user, carol, a member of three rooms: with a key, with an offered key, and with none. */
		async function carolInThreeRooms() {
			const carol = await addPerson(roomkey.store);
			await set(carol, identityTexts('1'));
			const keyed = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: 'id-1' });
			await addMember(roomkey.store, keyed, carol, { E2EKey: `key of ${carol.id}` });
			const offered = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: 'id-2' });
			await addMember(roomkey.store, offered, carol, { E2ESuggestedKey: 'offered' });
			const empty = await addRoom(roomkey.store, [carol], { encrypted: true, e2eKeyId: 'id-3' });
			return { carol, keyed, offered, empty };
		}

		async function expectDone(
			{ carol, keyed, offered, empty }: Awaited<ReturnType<typeof carolInThreeRooms>>,
			keys: object,
		) {
			const user = await userOf(carol);
			expect(user?.e2e).to.deep.equal(keys);
			expect(user).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
			const { history } = (await roomkey.call(carol, 'e2e.keyHistory', carol.id)) as { history: KeyHistoryEntry[] };
			expect(history.map(({ public_key }) => public_key)).to.deep.equal(['public 1', 'public 2']);
			expect(await membershipOf(keyed, carol)).to.not.have.property('E2EKey');
			expect((await membershipOf(keyed, carol))?.oldRoomKeys?.[0]?.E2EKey).to.equal(`key of ${carol.id}`);
			expect(await membershipOf(offered, carol)).to.not.have.property('E2ESuggestedKey');
			for (const rid of [keyed, offered, empty]) expect(await waitingIn(rid)).to.deep.equal([carol.id]);
		}

		it('loses no key, and is repaired when the call is repeated, with or without `force`', async () => {
			const completed = await carolInThreeRooms();
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			await set(completed.carol, { ...identityTexts('2'), force: true });
			const { writes } = crashing;
			await expectDone(completed, identityTexts('2'));
			expect(writes).to.be.greaterThan(5);
			for (let n = 0; n < writes; n++) {
				const interrupted = await carolInThreeRooms();
				crashing.crashAfter(n);
				await rejection(set(interrupted.carol, { ...identityTexts('2'), force: true }));
				crashing.crashAfter(Number.POSITIVE_INFINITY);
				const membership = await membershipOf(interrupted.keyed, interrupted.carol);
				const copies = [membership?.E2EKey, ...(membership?.oldRoomKeys ?? []).map(({ E2EKey }) => E2EKey)];
				expect(copies, `after ${n} writes`).to.include(`key of ${interrupted.carol.id}`);
				// After 0 writes only `force` can replace the keys.
				await set(interrupted.carol, { ...identityTexts('2'), force: n % 2 === 0 });
				await expectDone(interrupted, identityTexts('2'));
			}
		});

		it('is repaired when the call is repeated, also if it stores first keys', async () => {
			const start = async () => {
				const carol = await addPerson(roomkey.store);
				const rids = [
					await addRoom(roomkey.store, [carol], { encrypted: true }),
					await addRoom(roomkey.store, [carol], { encrypted: true }),
				];
				const keyed = await addRoom(roomkey.store, [], { encrypted: true });
				await addMember(roomkey.store, keyed, carol, { E2EKey: `first key of ${carol.id}` });
				return { carol, rids, keyed };
			};
			const completed = await start();
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			await set(completed.carol, identityTexts('1'));
			const { writes } = crashing;
			// The keys with the marker, the queues of two rooms, and the removal of the marker.
			expect(writes).to.equal(4);
			for (let n = 0; n < writes; n++) {
				const { carol, rids, keyed } = await start();
				crashing.crashAfter(n);
				await rejection(set(carol, identityTexts('1')));
				crashing.crashAfter(Number.POSITIVE_INFINITY);
				if (n > 0) {
					expect(await rejection(set(carol, identityTexts('2')))).to.include({ error: 'error-keys-already-set' });
				}
				await set(carol, identityTexts('1'));
				for (const rid of rids) expect(await waitingIn(rid)).to.deep.equal([carol.id]);
				expect((await membershipOf(keyed, carol))?.E2EKey).to.equal(`first key of ${carol.id}`);
				expect(await userOf(carol)).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
			}
		});
	});
});
