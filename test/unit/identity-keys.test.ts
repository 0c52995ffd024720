/**
 * Identity keys: test/contract/rocketchat-e2e.md 4.2, 4.3, 10.4, 12, 13; test/contract/beyond.md E5. A number after # is an
 * issue of Rocket.Chat, or of its mobile app, listed in section 12.
 */
import { expect } from 'chai';
import { recordEvents } from '../support/announced.js';
import { identityTexts, publicKey, unfitKeys } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const SET = 'e2e.setUserPublicAndPrivateKeys';
const FETCH = 'e2e.fetchMyKeys';

describe('identity keys', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey();
	});
	after(() => roomkey.close());
	beforeEach(async () => {
		alice = await addPerson(roomkey.store);
		bob = await addPerson(roomkey.store, { e2e: identityTexts('of bob') });
	});

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
			expect(await roomkey.call(bob, FETCH)).to.deep.equal(identityTexts('of bob'));
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
			expect(await set(alice, identityTexts('1'))).to.equal(undefined);
			expect((await userOf(alice))?.e2e).to.deep.equal(identityTexts('1'));
		});

		it('refuses a caller who is not logged in', async () => {
			expect(await rejection(roomkey.call(null, SET, identityTexts('1')))).to.deep.include({
				error: 'error-invalid-user',
				details: { method: SET },
			});
		});

		for (const [what, keys] of [
			['an empty public key', { ...identityTexts('1'), public_key: '' }],
			['an empty private key', { ...identityTexts('1'), private_key: '' }],
			['null as the private key', { ...identityTexts('1'), private_key: null }],
			['an object without keys', {}],
			['a public key of more than 8 KiB (13)', { ...identityTexts('1'), public_key: 'ä'.repeat(4096 + 1) }],
			['a private key of more than 32 KiB (13)', { ...identityTexts('1'), private_key: 'x'.repeat(32 * 1024 + 1) }],
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
			['a call without an argument', []],
			['keys that are no text', [{ ...identityTexts('1'), public_key: { $ne: 1 } }]],
			['a force that is no boolean', [{ ...identityTexts('1'), force: 'yes' }]],
			['two texts in place of an object', ['public', 'private']],
		] as const) {
			it(`refuses ${what} with a Match error`, async () => {
				expect((await rejection(roomkey.call(alice, SET, ...params))).message).to.match(/^Match error/);
			});
		}

		it('refuses to overwrite keys without `force`, even with identical ones, and changes nothing (#23540)', async () => {
			await set(alice, identityTexts('1'));
			for (const keys of [identityTexts('2'), identityTexts('1'), { ...identityTexts('2'), force: false }]) {
				const received = await recordEvents(roomkey.bus, async () => {
					expect(await rejection(set(alice, keys))).to.deep.include({
						error: 'error-keys-already-set',
						reason: 'Keys already set',
						details: { method: SET },
					});
				});
				expect([received.changes, received.notices]).to.deep.equal([[], []]);
			}
			expect((await userOf(alice))?.e2e).to.deep.equal(identityTexts('1'));
		});

		it('overwrites an incomplete pair without `force`', async () => {
			for (const e2e of [{ public_key: 'p' }, { private_key: 'p' }, { public_key: 'p', private_key: '' }]) {
				const carol = await addPerson(roomkey.store, { e2e });
				await set(carol, identityTexts('1'));
				expect((await userOf(carol))?.e2e).to.deep.equal(identityTexts('1'));
			}
		});

		it('stores the keys of exactly one of twenty concurrent devices', async () => {
			const outcomes = await Promise.allSettled(
				Array.from({ length: 20 }, (_, i) => set(alice, identityTexts(`${i}`))),
			);
			const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
			expect(winners).to.have.length(1);
			for (const outcome of outcomes) {
				if (outcome.status === 'rejected') expect(outcome.reason.error).to.equal('error-keys-already-set');
			}
			const user = await userOf(alice);
			expect(user?.e2e).to.deep.equal(identityTexts(`${winners[0]}`));
			expect(user?.e2eKeyHistory).to.have.length(1);
		});

		it('queues the user in each encrypted room whose room key the user lacks (10.4)', async () => {
			const rids = [
				await addRoom(roomkey.store, [bob, alice], { encrypted: true }),
				await addRoom(roomkey.store, [alice], { encrypted: true }),
			];
			const others = [await addRoom(roomkey.store, [alice]), await addRoom(roomkey.store, [bob], { encrypted: true })];
			const keyed = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, keyed, alice, { E2EKey: `of ${alice.id}` });
			const received = await recordEvents(roomkey.bus, () => set(alice, identityTexts('1')));
			for (const rid of rids) expect(await waitingIn(rid)).to.deep.equal([alice.id]);
			for (const rid of [...others, keyed]) expect(await waitingIn(rid)).to.deep.equal([]);
			expect(received.of('rooms')).to.have.members(rids.map((rid) => `updated ${rid}`));
			expect(received.of('users')).to.deep.equal([`updated ${alice.id}`]);
			// The user has stored this room key without an offer, so it stays.
			expect((await membershipOf(keyed, alice))?.E2EKey).to.equal(`of ${alice.id}`);
			// The markers of unfinished work (`identityKeys.ts`).
			expect(await userOf(alice)).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
		});

		it('keeps the place of a user who is in the queue already', async () => {
			const ts = new Date(0);
			const rid = await addRoom(roomkey.store, [alice, bob], {
				encrypted: true,
				usersWaitingForE2EKeys: [
					{ userId: alice.id, ts },
					{ userId: bob.id, ts },
				],
			});
			await set(alice, identityTexts('1'));
			expect(await waitingIn(rid)).to.deep.equal([alice.id, bob.id]);
		});

		it('does not show the private key in an event or in the log (#12317)', async () => {
			const rid = await addRoom(roomkey.store, [], { encrypted: true });
			await addMember(roomkey.store, rid, alice, { E2EKey: `secret of ${alice.id}` });
			await addMember(roomkey.store, rid, bob);
			await set(alice, identityTexts('a'));
			const received = await recordEvents(roomkey.bus, () => set(alice, { ...identityTexts('b'), force: true }));
			expect(JSON.stringify([received.changes, received.notices, roomkey.log.lines])).to.not.match(/private [ab]/);
			expect(received.notices.map(({ name }) => name)).to.have.members([
				`notify-room ${rid}/e2e.noKeyHolder`,
				`notify-user ${bob.id}/e2eIdentityChanged`,
			]);
		});
	});

	describe('the check of a public key (E5)', () => {
		const jwk = JSON.stringify({ alg: 'RSA-OAEP-256', e: 'AQAB', ext: true, kty: 'RSA', n: 'x' });

		it('refuses a public key that was encoded as JSON twice (mobile #2787)', async () => {
			for (const public_key of [JSON.stringify(jwk), '"x"', ' "" ']) {
				expect(await rejection(set(alice, { ...identityTexts('1'), public_key }))).to.include({
					error: 'error-invalid-keys',
				});
			}
			expect((await userOf(alice))?.e2e).to.equal(undefined);
		});

		it('accepts any other text without `strictKeys`', async () => {
			for (const public_key of [jwk, 'plain', '{"half', '12', 'null', '[]']) {
				await set(alice, { public_key, private_key: JSON.stringify('private keys are not looked at'), force: true });
				expect((await userOf(alice))?.e2e?.public_key).to.equal(public_key);
			}
		});

		it('accepts only usable RSA keys of 2048 bits if `strictKeys` is set', async () => {
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

	it('can be fetched at most 600 times a minute', async () => {
		const limited = await openRoomkey(undefined, { rateLimit: 'on' });
		const carol = await addPerson(limited.store, { e2e: identityTexts('1') });
		for (let i = 0; i < 600; i++) await limited.call(carol, FETCH);
		expect(await rejection(limited.call(carol, FETCH))).to.include({ error: 'too-many-requests' });
		await limited.close();
	});
});
