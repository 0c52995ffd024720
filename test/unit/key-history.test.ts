/** The history of identity keys: test/contract/beyond.md E15, T3. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { hashOfEntry } from '../../methods/model/keys/identityHistory.js';
import type { KeyHistoryEntry } from '../../shared/documents.js';
import { verifyKeyHistory } from '../../shared/e2e.js';
import { recordEvents } from '../support/announced.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.keyHistory';

interface Answer {
	history: KeyHistoryEntry[];
	count: number;
	offset: number;
	total: number;
}

/** Verifies the chain of hashes as a client would. */
function expectChain(history: readonly KeyHistoryEntry[]): void {
	let previous = '';
	let time = 0;
	for (const entry of history) {
		expect(entry.previous).to.equal(previous);
		expect(entry.ts.getTime()).to.be.greaterThan(time);
		const text = `${previous}\n${entry.ts.getTime()}\n${entry.public_key}`;
		expect(entry.hash).to.equal(createHash('sha256').update(text, 'utf8').digest('hex'));
		previous = entry.hash;
		time = entry.ts.getTime();
	}
}

describe('e2e.keyHistory (E15)', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey();
	});
	after(() => roomkey.close());
	beforeEach(async () => {
		alice = await addPerson(roomkey.store);
		bob = await addPerson(roomkey.store);
	});

	const set = (as: Person, key: string) =>
		roomkey.call(as, 'e2e.setUserPublicAndPrivateKeys', {
			public_key: key,
			private_key: `private ${key}`,
			force: true,
		});
	const read = async (as: Person, of: Person, ...page: unknown[]) =>
		(await roomkey.call(as, NAME, of.id, ...page)) as Answer;
	const keysIn = ({ history }: Answer) => history.map(({ public_key }) => public_key);

	it('lists the stored public keys, oldest first, as a verifiable chain of hashes', async () => {
		for (const key of ['one', 'zwei ü', '{"kty":"RSA"}\n', 'one']) await set(alice, key);
		const answer = await read(alice, alice);
		expect(keysIn(answer)).to.deep.equal(['one', 'zwei ü', '{"kty":"RSA"}\n', 'one']);
		expect(answer).to.include({ count: 4, offset: 0, total: 4 });
		expectChain(answer.history);
	});

	it('is empty for a user who never stored a key', async () => {
		expect(await read(alice, alice)).to.deep.equal({ history: [], count: 0, offset: 0, total: 0 });
	});

	it('shows no private key', async () => {
		await set(alice, 'key');
		const answer = await read(alice, alice);
		expect(Object.keys(answer.history[0] ?? {})).to.have.members(['public_key', 'ts', 'previous', 'hash', 'login']);
	});

	it('keeps the former entries when the keys are reset', async () => {
		await set(alice, 'before');
		await roomkey.call(alice, 'e2e.resetOwnE2EKey');
		await set(alice, 'after');
		const answer = await read(alice, alice);
		expect(keysIn(answer)).to.deep.equal(['before', 'after']);
		expectChain(answer.history);
	});

	it('remains a chain without gaps if twenty devices store keys concurrently', async () => {
		const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
		await Promise.all(keys.map((key) => set(alice, key)));
		const answer = await read(alice, alice);
		expect(keysIn(answer)).to.have.members(keys);
		expectChain(answer.history);
		const user = await roomkey.store.users.findOne({ _id: alice.id });
		expect(user?.e2e?.public_key).to.equal(keysIn(answer).at(-1));
		// The markers of unfinished work (`identityKeys.ts`).
		expect(user).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
	});

	describe('a key that Rocket.Chat itself stored', () => {
		it('is added once, when the history is read', async () => {
			await set(alice, 'ours');
			await roomkey.store.users.updateOne({ _id: alice.id }, { $set: { 'e2e.public_key': 'theirs' } });
			await Promise.all(Array.from({ length: 5 }, () => read(alice, alice)));
			const answer = await read(alice, alice);
			expect(keysIn(answer)).to.deep.equal(['ours', 'theirs']);
			expectChain(answer.history);
		});

		it('is added before the next key', async () => {
			const carol = await addPerson(roomkey.store, { e2e: { public_key: 'theirs', private_key: 'p' } });
			await set(carol, 'ours');
			const answer = await read(carol, carol);
			expect(keysIn(answer)).to.deep.equal(['theirs', 'ours']);
			expectChain(answer.history);
		});

		it('is added before a reset removes it', async () => {
			const carol = await addPerson(roomkey.store, { e2e: { public_key: 'theirs', private_key: 'p' } });
			await roomkey.call(carol, 'e2e.resetOwnE2EKey');
			expect(keysIn(await read(carol, carol))).to.deep.equal(['theirs']);
		});
	});

	describe('the stored history', () => {
		const userOf = ({ id }: Person) => roomkey.store.users.findOne({ _id: id });

		/** The size of the whole history as JSON. */
		async function storedSize(person: Person): Promise<number> {
			const earlier = await roomkey.store.keyHistory.findOne({ _id: person.id });
			return JSON.stringify([earlier, (await userOf(person))?.e2eKeyHistory]).length;
		}

		it('is limited in entries; the oldest are dropped and counted', async () => {
			for (let i = 0; i < 130; i++) await set(alice, `key ${i}`);
			const { history: all, total, ...answer } = (await read(alice, alice)) as Answer & { dropped: number };
			expect({ total, dropped: answer.dropped }).to.deep.equal({ total: 101, dropped: 29 });
			expect((await read(alice, alice, 100, 100)).history).to.deep.equal(all.slice(100));
			expect((await verifyKeyHistory(all as never)).publicKey).to.equal('key 129');
			expect(all.map(({ public_key }) => public_key)).to.deep.equal(all.map((_, i) => `key ${i + 29}`));
			for (const [i, entry] of all.slice(1).entries()) expect(entry.previous).to.equal(all[i]?.hash);
			expect((await userOf(alice))?.e2eKeyHistory).to.have.length(1);
		});

		it('is limited in bytes', async () => {
			for (let i = 0; i < 40; i++) await set(alice, `${i}`.padEnd(8000, 'x'));
			expect(await storedSize(alice)).to.be.lessThan(200_000);
			// The collection has room for 160 KiB, which is 20 of these keys. The newest key is in the user document.
			expect(await read(alice, alice)).to.include({ total: 21, dropped: 19 });
		});

		it('is moved out of the user document of an earlier version, except its newest entry', async () => {
			const former: KeyHistoryEntry[] = [];
			for (let i = 0; i < 5; i++) {
				const previous = former.at(-1)?.hash ?? '';
				const entry = { public_key: `former ${i}`, ts: new Date(i + 1), previous };
				former.push({ ...entry, hash: hashOfEntry(entry) });
			}
			const e2e = { public_key: 'former 4', private_key: 'p' };
			for (const readOrSet of [(who: Person) => read(who, who), (who: Person) => set(who, 'next')]) {
				const carol = await addPerson(roomkey.store, { e2e, e2eKeyHistory: former });
				await readOrSet(carol);
				expect((await userOf(carol))?.e2eKeyHistory).to.have.length(1);
				const answer = await read(carol, carol);
				expect(keysIn(answer).slice(0, 5)).to.deep.equal(former.map(({ public_key }) => public_key));
				expectChain(answer.history);
			}
		});

		it('is cut to the limit if an earlier version stored a longer one', async () => {
			const e2eKeyHistory = Array.from({ length: 100 }, (_, i) => ({
				public_key: `${i}`.padEnd(8000, 'x'),
				ts: new Date(i + 1),
				previous: `hash ${i - 1}`,
				hash: `hash ${i}`,
			}));
			const e2e = { public_key: e2eKeyHistory.at(-1)?.public_key as string, private_key: 'p' };
			const carol = await addPerson(roomkey.store, { e2e, e2eKeyHistory });
			await set(carol, 'next');
			expect(await read(carol, carol)).to.include({ total: 21, dropped: 80 });
			expect(await storedSize(carol)).to.be.lessThan(200_000);
			expect(await roomkey.call(carol, 'e2e.resetOwnE2EKey')).to.equal(true);
		});

		it('is deleted with its user', async () => {
			const admin = await addPerson(roomkey.store, { roles: ['admin'] });
			for (const key of ['one', 'two']) await set(alice, key);
			expect(await roomkey.store.keyHistory.findOne({ _id: alice.id }))
				.to.have.property('entries')
				.with.length(1);
			await roomkey.callAs({ userId: admin.id }, 'users.delete', alice.id);
			expect(await roomkey.store.keyHistory.findOne({ _id: alice.id })).to.equal(null);
		});
	});

	describe('the kind of login by which a key was stored', () => {
		const logins = ({ history }: Answer) => history.map(({ login }) => login);

		it('is `session`, `personal-access-token`, or `server` for a call without a token', async () => {
			const loginTokens = [
				{ hashedToken: 'session', when: new Date() },
				{ hashedToken: 'personal', when: new Date(), type: 'personalAccessToken' },
			];
			const carol = await addPerson(roomkey.store);
			await roomkey.store.users.updateOne({ _id: carol.id }, { $set: { 'services.resume.loginTokens': loginTokens } });
			for (const hashedToken of ['session', 'personal', undefined]) {
				const pair = { public_key: `by ${hashedToken}`, private_key: 'p', force: true };
				const caller = { userId: carol.id, ...(hashedToken && { hashedToken }) };
				await roomkey.callAs(caller, 'e2e.setUserPublicAndPrivateKeys', pair);
			}
			expect(logins(await read(carol, carol))).to.deep.equal(['session', 'personal-access-token', 'server']);
		});
	});

	describe('callers', () => {
		beforeEach(() => set(alice, 'key'));

		it('may be users who share a room of any type with the owner of the keys', async () => {
			for (const t of ['c', 'p', 'd'] as const) {
				const carol = await addPerson(roomkey.store);
				await addRoom(roomkey.store, [alice, carol], { t });
				expect(keysIn(await read(carol, alice))).to.deep.equal(['key']);
			}
		});

		it('may have over 500 rooms, and share only the last with the owner of the keys', async () => {
			// `pagesOf` reads 500 memberships at a time, ordered by id. The id `~` comes after all random ids.
			for (let i = 0; i < 500; i++) await addRoom(roomkey.store, [bob]);
			const rid = await addRoom(roomkey.store, [alice]);
			const u = { _id: bob.id, username: bob.username };
			await roomkey.store.subscriptions.insertOne({ _id: '~', rid, u });
			expect(keysIn(await read(bob, alice))).to.deep.equal(['key']);
		});

		it('may be users with the permission `edit-other-user-e2ee`', async () => {
			const admin = await addPerson(roomkey.store, { roles: ['admin'] });
			expect(keysIn(await read(admin, alice))).to.deep.equal(['key']);
		});

		it('may not be other users; the error hides whether the user exists', async () => {
			await addRoom(roomkey.store, [alice]);
			await addRoom(roomkey.store, [bob]);
			const admin = await addPerson(roomkey.store, { roles: ['admin'] });
			const refused = [
				await rejection(roomkey.call(bob, NAME, alice.id)),
				await rejection(roomkey.call(bob, NAME, 'nobody')),
				await rejection(roomkey.call(bob, NAME, '')),
				await rejection(roomkey.call(admin, NAME, 'nobody')),
				await rejection(roomkey.call(null, NAME, alice.id)),
			];
			for (const error of refused) {
				expect(error).to.deep.include({
					error: 'error-invalid-user',
					reason: 'Invalid user',
					details: { method: NAME },
				});
			}
		});
	});

	describe('pages (T3)', () => {
		beforeEach(async () => {
			for (let i = 0; i < 5; i++) await set(alice, `key ${i}`);
		});

		for (const [page, keys] of [
			[[2], ['key 0', 'key 1']],
			[
				[2, 3],
				['key 3', 'key 4'],
			],
			[[undefined, 4], ['key 4']],
			[[10, 5], []],
		] as const) {
			it(`have the entries of count ${page[0] ?? 'absent'} and offset ${page[1] ?? 'absent'}`, async () => {
				const answer = await read(alice, alice, ...page);
				expect(keysIn(answer)).to.deep.equal(keys);
				expect(answer).to.include({ count: keys.length, offset: page[1] ?? 0, total: 5 });
			});
		}

		it('are refused for an invalid count or offset', async () => {
			for (const page of [[-1], [1.5], ['2'], [1, -1]]) {
				expect((await rejection(read(alice, alice, ...page))).message).to.match(/^Match error/);
			}
		});
	});

	describe('the event e2eIdentityChanged', () => {
		it('reaches each user of a shared encrypted room once, with the newest hash', async () => {
			await set(alice, 'one');
			const [carol, dave, erin] = [
				await addPerson(roomkey.store),
				await addPerson(roomkey.store),
				await addPerson(roomkey.store),
			];
			for (const members of [[bob], [bob, carol], [bob, carol], []]) {
				await addRoom(roomkey.store, [...members, alice], { encrypted: true });
			}
			await addRoom(roomkey.store, [alice, dave]);
			await addRoom(roomkey.store, [bob, dave], { encrypted: true });
			const invited = await addRoom(roomkey.store, [alice], { encrypted: true });
			await addMember(roomkey.store, invited, erin, { status: 'INVITED' });
			const received = await recordEvents(roomkey.bus, () => set(alice, 'two'));
			const last = (await read(alice, alice)).history.at(-1);
			expect(received.notices.map(({ name }) => name)).to.have.members([
				`notify-user ${bob.id}/e2eIdentityChanged`,
				`notify-user ${carol.id}/e2eIdentityChanged`,
			]);
			for (const { args } of received.notices) {
				expect(args).to.deep.equal([alice.id, { ts: last?.ts, hash: last?.hash }]);
			}
		});

		it('reaches each of 350 members of two rooms once', async () => {
			await set(alice, 'one');
			const people: Person[] = [];
			for (let i = 0; i < 350; i++) people.push(await addPerson(roomkey.store));
			await addRoom(roomkey.store, [...people.slice(0, 250), alice], { encrypted: true });
			await addRoom(roomkey.store, [...people.slice(100), alice], { encrypted: true });
			const received = await recordEvents(roomkey.bus, () => set(alice, 'two'));
			expect(received.notices.map(({ name }) => name)).to.have.members(
				people.map(({ id }) => `notify-user ${id}/e2eIdentityChanged`),
			);
		});

		it('is not sent for a first key, except after a reset', async () => {
			await addRoom(roomkey.store, [alice, bob], { encrypted: true });
			expect((await recordEvents(roomkey.bus, () => set(alice, 'one'))).notices).to.deep.equal([]);
			await roomkey.call(alice, 'e2e.resetOwnE2EKey');
			const received = await recordEvents(roomkey.bus, () => set(alice, 'two'));
			expect(received.named(`notify-user ${bob.id}/e2eIdentityChanged`)).to.have.length(1);
		});
	});
});
