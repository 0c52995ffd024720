/** Identity keys: test/contract/rocketchat-e2e.md 4.2, 4.3, 10.4, 12, 13; test/contract/beyond.md E4, E5, E11, T1, T2. */
import { expect } from 'chai';
import { removeServedUsers } from '../../methods/model/keys/queue.js';
import type { KeyHistoryEntry } from '../../shared/documents.js';
import { recordEvents } from '../support/announced.js';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { publicKey, unfitKeys } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const SET = 'e2e.setUserPublicAndPrivateKeys';
const FETCH = 'e2e.fetchMyKeys';

/** Two texts in place of keys, which contain `name`. A server without `strictKeys` accepts them. */
const pair = (name: string) => ({ public_key: `public ${name}`, private_key: `private ${name}` });

describe('identity keys', () => {
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
		bob = await addPerson(roomkey.store, { e2e: pair('of bob') });
	});
	afterEach(() => crashing.crashAfter(Number.POSITIVE_INFINITY));

	const set = (as: Person, keys: object) => roomkey.call(as, SET, keys);
	const userOf = async ({ id }: Person) => roomkey.store.users.findOne({ _id: id });
	const membershipOf = (rid: string, { id }: Person) => roomkey.store.subscriptions.findOne({ rid, 'u._id': id });
	const waitingIn = async (rid: string) =>
		(await roomkey.store.rooms.findOne({ _id: rid }))?.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? [];

	describe('e2e.fetchMyKeys (4.2)', () => {
		it('answers {} to a user who has no keys (#36066)', async () => {
			expect(await roomkey.call(alice, FETCH)).to.deep.equal({});
		});

		it('answers what was stored, to the character', async () => {
			const keys = { public_key: ' {"kty":"RSA", "n":"ü\\u00fc"}\n', private_key: '{"$binary":"QUJD"} ' };
			await set(alice, keys);
			expect(await roomkey.call(alice, FETCH)).to.deep.equal(keys);
			expect(await roomkey.call(bob, FETCH)).to.deep.equal(pair('of bob'));
		});

		it('answers {} to a user who has only a private key', async () => {
			const carol = await addPerson(roomkey.store, { e2e: { private_key: 'p' } });
			expect(await roomkey.call(carol, FETCH)).to.deep.equal({});
		});

		it('refuses a caller who is not logged in', async () => {
			expect(await rejection(roomkey.call(null, FETCH))).to.deep.include({
				error: 'error-invalid-user',
				reason: 'Invalid user',
				details: { method: FETCH },
			});
		});
	});

	describe('e2e.setUserPublicAndPrivateKeys (4.3)', () => {
		it('stores the pair and returns nothing', async () => {
			expect(await set(alice, pair('1'))).to.equal(undefined);
			expect((await userOf(alice))?.e2e).to.deep.equal(pair('1'));
		});

		it('refuses a caller who is not logged in', async () => {
			expect(await rejection(roomkey.call(null, SET, pair('1')))).to.deep.include({
				error: 'error-invalid-user',
				details: { method: SET },
			});
		});

		for (const [what, keys] of [
			['an empty public key', { ...pair('1'), public_key: '' }],
			['an empty private key', { ...pair('1'), private_key: '' }],
			['null as the private key', { ...pair('1'), private_key: null }],
			['no keys at all', {}],
			['a public key of more than 8 KiB (13)', { ...pair('1'), public_key: 'ä'.repeat(4096 + 1) }],
			['a private key of more than 32 KiB (13)', { ...pair('1'), private_key: 'x'.repeat(32 * 1024 + 1) }],
		] as const) {
			it(`refuses ${what}`, async () => {
				expect(await rejection(set(alice, keys))).to.deep.include({
					error: 'error-invalid-keys',
					reason: 'Invalid keys',
					details: { method: SET },
				});
				expect((await userOf(alice))?.e2e).to.equal(undefined);
			});
		}

		it('accepts keys of the maximum length', async () => {
			const keys = { public_key: 'x'.repeat(8 * 1024), private_key: 'x'.repeat(32 * 1024) };
			await set(alice, keys);
			expect(await roomkey.call(alice, FETCH)).to.deep.equal(keys);
		});

		for (const [what, params] of [
			['a call without keys', []],
			['keys that are no text', [{ ...pair('1'), public_key: { $ne: 1 } }]],
			['a force that is no boolean', [{ ...pair('1'), force: 'yes' }]],
			['two texts in place of an object', ['public', 'private']],
		] as const) {
			it(`refuses ${what} with a Match error`, async () => {
				expect((await rejection(roomkey.call(alice, SET, ...params))).message).to.match(/^Match error/);
			});
		}

		it('refuses to overwrite keys without `force`, even with identical ones, and changes nothing (#23540)', async () => {
			await set(alice, pair('1'));
			for (const keys of [pair('2'), pair('1'), { ...pair('2'), force: false }]) {
				const received = await recordEvents(roomkey.bus, async () => {
					expect(await rejection(set(alice, keys))).to.deep.include({
						error: 'error-keys-already-set',
						reason: 'Keys already set',
						details: { method: SET },
					});
				});
				expect([received.changes, received.notices]).to.deep.equal([[], []]);
			}
			expect((await userOf(alice))?.e2e).to.deep.equal(pair('1'));
		});

		it('overwrites an incomplete pair without `force`', async () => {
			for (const e2e of [{ public_key: 'p' }, { private_key: 'p' }, { public_key: 'p', private_key: '' }]) {
				const carol = await addPerson(roomkey.store, { e2e });
				await set(carol, pair('1'));
				expect((await userOf(carol))?.e2e).to.deep.equal(pair('1'));
			}
		});

		it('stores the keys of exactly one of twenty concurrent devices', async () => {
			const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => set(alice, pair(`${i}`))));
			const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
			expect(winners).to.have.length(1);
			for (const outcome of outcomes) {
				if (outcome.status === 'rejected') expect(outcome.reason.error).to.equal('error-keys-already-set');
			}
			const user = await userOf(alice);
			expect(user?.e2e).to.deep.equal(pair(`${winners[0]}`));
			expect(user?.e2eKeyHistory).to.have.length(1);
		});

		it('adds a user who stores the first keys to the queue of every encrypted room whose key the user lacks, and notifies these rooms (10.4)', async () => {
			const rids = [
				await addRoom(roomkey.store, [bob, alice], { encrypted: true }),
				await addRoom(roomkey.store, [alice], { encrypted: true }),
			];
			const others = [await addRoom(roomkey.store, [alice]), await addRoom(roomkey.store, [bob], { encrypted: true })];
			const keyed = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, keyed, alice, { E2EKey: `of ${alice.id}` });
			const received = await recordEvents(roomkey.bus, () => set(alice, pair('1')));
			for (const rid of rids) expect(await waitingIn(rid)).to.deep.equal([alice.id]);
			for (const rid of [...others, keyed]) expect(await waitingIn(rid)).to.deep.equal([]);
			expect(received.of('rooms')).to.have.members(rids.map((rid) => `updated ${rid}`));
			expect(received.of('users')).to.deep.equal([`updated ${alice.id}`]);
			// This room key stays, because no other member has offered it: the user has stored it.
			expect((await membershipOf(keyed, alice))?.E2EKey).to.equal(`of ${alice.id}`);
			// The markers of unfinished work (`identityKeys.ts`).
			expect(await userOf(alice)).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
		});

		it('leaves a user who is waiting already at the same place in the queue', async () => {
			const ts = new Date(0);
			const rid = await addRoom(roomkey.store, [alice, bob], {
				encrypted: true,
				usersWaitingForE2EKeys: [
					{ userId: alice.id, ts },
					{ userId: bob.id, ts },
				],
			});
			await set(alice, pair('1'));
			expect(await waitingIn(rid)).to.deep.equal([alice.id, bob.id]);
		});

		it('does not show the private key in an event or in the log (#12317)', async () => {
			const rid = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, rid, alice, { E2EKey: `secret of ${alice.id}` });
			await addMember(roomkey.store, rid, bob);
			await set(alice, pair('a'));
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...pair('b'), force: true }));
			expect(JSON.stringify([received.changes, received.notices, roomkey.log.lines])).to.not.match(/private [ab]/);
			expect(received.notices.map(({ name }) => name)).to.have.members([
				`notify-room ${rid}/e2e.noKeyHolder`,
				`notify-user ${bob.id}/e2eIdentityChanged`,
			]);
		});
	});

	describe('replacing the identity keys with `force` (E4)', () => {
		it('archives the room keys sealed for the former key, queues the user, and notifies rooms and user', async () => {
			await set(alice, pair('1'));
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

			const received = await recordEvents(roomkey.bus, () => set(alice, { ...pair('2'), force: true }));

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
			await set(alice, pair('1'));
			const lost = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: 'id' });
			await addMember(roomkey.store, lost, alice, { E2EKey: `lost ${alice.id}` });
			const held = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
			await addMember(roomkey.store, held, alice, { E2EKey: `held ${alice.id}` });
			await addMember(roomkey.store, held, bob, { E2EKey: `held ${bob.id}` });
			const received = await recordEvents(roomkey.bus, async () => {
				expect(await set(alice, { ...pair('2'), force: true })).to.deep.equal({ lastKeyHolder: true });
			});
			expect(received.named(`notify-room ${lost}/e2e.noKeyHolder`)).to.have.length(1);
			expect(received.named(`notify-room ${held}/e2e.noKeyHolder`)).to.have.length(0);
			expect(await set(alice, { ...pair('3'), force: true })).to.equal(undefined);
		});

		it('requires confirmation of a last holder if the setting says so, before anything is written (E11)', async () => {
			const strict = await openRoomkey(undefined, { confirmLastKeyHolder: true });
			const carol = await addPerson(strict.store, { e2e: pair('1') });
			const rid = await addRoom(strict.store, [bob], { encrypted: true, e2eKeyId: 'id' });
			await addMember(strict.store, rid, carol, { E2EKey: 'the only one' });
			const replace = (more: object) => strict.call(carol, SET, { ...pair('2'), force: true, ...more });
			expect(await rejection(replace({}))).to.include({ error: 'error-last-key-holder' });
			expect((await strict.store.users.findOne({ _id: carol.id }))?.e2e).to.deep.equal(pair('1'));
			expect(await replace({ confirm: true })).to.deep.equal({ lastKeyHolder: true });
			await strict.close();
		});

		it('writes nothing and sends no event for the identical pair (T1)', async () => {
			await set(alice, pair('1'));
			const rid = await addRoom(roomkey.store, [alice], { encrypted: true });
			const before = await userOf(alice);
			// Resets `writes` to 0.
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...pair('1'), force: true }));
			expect(crashing.writes).to.equal(0);
			expect([received.changes, received.notices]).to.deep.equal([[], []]);
			expect(await userOf(alice)).to.deep.equal(before);
			expect(await waitingIn(rid)).to.deep.equal([]);
		});

		it('archives no room key if the JWK differs only in the order of its members', async () => {
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

		it('leaves all memberships unchanged if only the private key is new, as after a new passphrase', async () => {
			await set(alice, pair('1'));
			const rid = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, rid, alice, { E2EKey: `key of ${alice.id}` });
			const keys = { ...pair('1'), private_key: 'wrapped anew' };
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...keys, force: true }));
			expect(await roomkey.call(alice, FETCH)).to.deep.equal(keys);
			expect((await membershipOf(rid, alice))?.E2EKey).to.equal(`key of ${alice.id}`);
			expect(received.of('subscriptions')).to.deep.equal([]);
			expect(received.notices).to.deep.equal([]);
			expect((await userOf(alice))?.e2eKeyHistory).to.have.length(1);
		});

		// Two pages: `roomsOfUser` reads 200 rooms at a time.
		it('updates every one of 250 rooms', async () => {
			await set(alice, pair('1'));
			const rids = [];
			for (let i = 0; i < 250; i++) {
				const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'id' });
				await addMember(roomkey.store, rid, alice, { E2EKey: `${i} of ${alice.id}` });
				rids.push(rid);
			}
			await set(alice, { ...pair('2'), force: true });
			const memberships = await roomkey.store.subscriptions.find({ 'u._id': alice.id }).toArray();
			expect(memberships.filter(({ E2EKey, oldRoomKeys }) => !E2EKey && oldRoomKeys?.length === 1)).to.have.length(250);
			const queued = { _id: { $in: rids }, 'usersWaitingForE2EKeys.userId': alice.id };
			expect(await roomkey.store.rooms.countDocuments(queued)).to.equal(250);
		});

		it('yields to other calls while it updates 500 rooms, and notifies each of their members once', async () => {
			await set(alice, pair('1'));
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
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...pair('2'), force: true }));
			clearImmediate(next);
			expect(others).to.be.greaterThan(10);
			expect(received.named(`notify-user ${bob.id}/e2eIdentityChanged`)).to.have.length(1);
		});

		it('leaves each member either with a key or in the queue, even if an offer is accepted concurrently', async () => {
			for (let i = 0; i < 30; i++) {
				const carol = await addPerson(roomkey.store, { e2e: pair(`${i} first`) });
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
				await Promise.all([set(carol, { ...pair(`${i} second`), force: true }), accept()]);
				const keyed = (await membershipOf(rid, carol))?.E2EKey !== undefined;
				expect((await waitingIn(rid)).includes(carol.id), `round ${i}`).to.equal(!keyed);
			}
		});
	});

	describe('a crash between two writes (E4)', () => {
		/** Makes a new user, carol, a member of three rooms: with a key, with an offered key, and with none. */
		async function carolInThreeRooms() {
			const carol = await addPerson(roomkey.store);
			await set(carol, pair('1'));
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

		it('loses no key, and is repaired by a repeated identical call with or without force', async () => {
			const completed = await carolInThreeRooms();
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			await set(completed.carol, { ...pair('2'), force: true });
			const { writes } = crashing;
			await expectDone(completed, pair('2'));
			expect(writes).to.be.greaterThan(5);
			for (let n = 0; n < writes; n++) {
				const interrupted = await carolInThreeRooms();
				crashing.crashAfter(n);
				await rejection(set(interrupted.carol, { ...pair('2'), force: true }));
				crashing.crashAfter(Number.POSITIVE_INFINITY);
				const membership = await membershipOf(interrupted.keyed, interrupted.carol);
				const copies = [membership?.E2EKey, ...(membership?.oldRoomKeys ?? []).map(({ E2EKey }) => E2EKey)];
				expect(copies, `after ${n} writes`).to.include(`key of ${interrupted.carol.id}`);
				// After 0 writes only `force` can replace the keys.
				await set(interrupted.carol, { ...pair('2'), force: n % 2 === 0 });
				await expectDone(interrupted, pair('2'));
			}
		});

		it('is repaired by a repeated identical call also while the first keys are stored; no key is archived', async () => {
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
			await set(completed.carol, pair('1'));
			const { writes } = crashing;
			// The keys with the marker, a queue in each of two rooms, and the end of the marker.
			expect(writes).to.equal(4);
			for (let n = 0; n < writes; n++) {
				const { carol, rids, keyed } = await start();
				crashing.crashAfter(n);
				await rejection(set(carol, pair('1')));
				crashing.crashAfter(Number.POSITIVE_INFINITY);
				if (n > 0) {
					expect(await rejection(set(carol, pair('2')))).to.include({ error: 'error-keys-already-set' });
				}
				await set(carol, pair('1'));
				for (const rid of rids) expect(await waitingIn(rid)).to.deep.equal([carol.id]);
				expect((await membershipOf(keyed, carol))?.E2EKey).to.equal(`first key of ${carol.id}`);
				expect(await userOf(carol)).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
			}
		});
	});

	describe('the check of a public key (E5)', () => {
		const jwk = JSON.stringify({ alg: 'RSA-OAEP-256', e: 'AQAB', ext: true, kty: 'RSA', n: 'x' });

		it('refuses the JSON text of a string: a key that was encoded as JSON twice (#2787)', async () => {
			for (const public_key of [JSON.stringify(jwk), '"x"', ' "" ']) {
				expect(await rejection(set(alice, { ...pair('1'), public_key }))).to.include({ error: 'error-invalid-keys' });
			}
			expect((await userOf(alice))?.e2e).to.equal(undefined);
		});

		it('accepts any other text if the server is not strict', async () => {
			for (const public_key of [jwk, 'plain', '{"half', '12', 'null', '[]']) {
				await set(alice, { public_key, private_key: JSON.stringify('private keys are not looked at'), force: true });
				expect((await userOf(alice))?.e2e?.public_key).to.equal(public_key);
			}
		});

		it('accepts only RSA keys of 2048 bits for which room keys can be sealed if the server is strict', async () => {
			const strict = await openRoomkey(undefined, { strictKeys: true });
			const carol = await addPerson(strict.store);
			const fit = publicKey('carol');
			for (const public_key of [JSON.stringify(fit), jwk, 'plain', 'null', '[]', '{}', ...unfitKeys()]) {
				const keys = { public_key, private_key: 'p' };
				expect(await rejection(strict.call(carol, SET, keys))).to.include({ error: 'error-invalid-keys' });
			}
			await strict.call(carol, SET, { public_key: fit, private_key: 'p' });
			expect(await strict.call(carol, FETCH)).to.deep.equal({ public_key: fit, private_key: 'p' });
			await strict.close();
		});
	});

	it('can be fetched at most 600 times a minute (T2)', async () => {
		const limited = await openRoomkey(undefined, { rateLimit: 'on' });
		const carol = await addPerson(limited.store, { e2e: pair('1') });
		for (let i = 0; i < 600; i++) await limited.call(carol, FETCH);
		expect(await rejection(limited.call(carol, FETCH))).to.include({ error: 'too-many-requests' });
		await limited.close();
	});
});
