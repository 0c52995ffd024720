/** The history of identity keys: test/contract/beyond.md E15, T3. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { KeyHistoryEntry } from '../../shared/documents.js';
import { hear } from '../support/announced.js';
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

/** What a client does that trusts nobody: it reckons out the chain by itself. */
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

describe('E15 e2e.keyHistory', () => {
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

	it('tells every public key, the first one first, as a chain that can be checked', async () => {
		for (const key of ['one', 'zwei ü', '{"kty":"RSA"}\n', 'one']) await set(alice, key);
		const answer = await read(alice, alice);
		expect(keysIn(answer)).to.deep.equal(['one', 'zwei ü', '{"kty":"RSA"}\n', 'one']);
		expect(answer).to.include({ count: 4, offset: 0, total: 4 });
		expectChain(answer.history);
	});

	it('is empty for who never stored a key', async () => {
		expect(await read(alice, alice)).to.deep.equal({ history: [], count: 0, offset: 0, total: 0 });
	});

	it('shows no private key', async () => {
		await set(alice, 'key');
		const answer = await read(alice, alice);
		expect(Object.keys(answer.history[0] ?? {})).to.have.members(['public_key', 'ts', 'previous', 'hash']);
	});

	it('keeps what stood there when the keys are reset', async () => {
		await set(alice, 'before');
		await roomkey.call(alice, 'e2e.resetOwnE2EKey');
		await set(alice, 'after');
		const answer = await read(alice, alice);
		expect(keysIn(answer)).to.deep.equal(['before', 'after']);
		expectChain(answer.history);
	});

	it('stays a chain and misses none of twenty devices that overwrite each other by force', async () => {
		const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
		await Promise.all(keys.map((key) => set(alice, key)));
		const answer = await read(alice, alice);
		expect(keysIn(answer)).to.have.members(keys);
		expectChain(answer.history);
		const user = await roomkey.store.users.findOne({ _id: alice.id });
		expect(user?.e2e?.public_key).to.equal(keysIn(answer).at(-1));
		expect(user).to.not.have.any.keys('e2eRekeying', 'e2eQueueing');
	});

	describe('a key that Rocket.Chat itself stored', () => {
		it('is added when the history is read, once', async () => {
			await set(alice, 'ours');
			await roomkey.store.users.updateOne({ _id: alice.id }, { $set: { 'e2e.public_key': 'theirs' } });
			await Promise.all(Array.from({ length: 5 }, () => read(alice, alice)));
			const answer = await read(alice, alice);
			expect(keysIn(answer)).to.deep.equal(['ours', 'theirs']);
			expectChain(answer.history);
		});

		it('is added before the next', async () => {
			const carol = await addPerson(roomkey.store, { e2e: { public_key: 'theirs', private_key: 'p' } });
			await set(carol, 'ours');
			const answer = await read(carol, carol);
			expect(keysIn(answer)).to.deep.equal(['theirs', 'ours']);
			expectChain(answer.history);
		});

		it('is added before it is taken away by a reset', async () => {
			const carol = await addPerson(roomkey.store, { e2e: { public_key: 'theirs', private_key: 'p' } });
			await roomkey.call(carol, 'e2e.resetOwnE2EKey');
			expect(keysIn(await read(carol, carol))).to.deep.equal(['theirs']);
		});
	});

	it('takes no more keys once 4 MiB of them are stored, and can still be read, and the keys reset', async () => {
		const long = (i: number) => ({
			public_key: `${i}`.padEnd(8000, 'x'),
			ts: new Date(i + 1),
			previous: `hash ${i - 1}`,
			hash: `hash ${i}`,
		});
		const e2eKeyHistory = Array.from({ length: 524 }, (_, i) => long(i));
		const e2e = { public_key: e2eKeyHistory.at(-1)?.public_key as string, private_key: 'p' };
		const carol = await addPerson(roomkey.store, { e2e, e2eKeyHistory });
		expect(await rejection(set(carol, 'x'.repeat(8000)))).to.include({ error: 'error-key-history-full' });
		expect((await read(carol, carol)).total).to.equal(524);
		expect(await roomkey.call(carol, 'e2e.resetOwnE2EKey')).to.equal(true);
	});

	describe('who may see it', () => {
		beforeEach(() => set(alice, 'key'));

		it('who shares any room with the user', async () => {
			for (const t of ['c', 'p', 'd'] as const) {
				const carol = await addPerson(roomkey.store);
				await addRoom(roomkey.store, [alice, carol], { t });
				expect(keysIn(await read(carol, alice))).to.deep.equal(['key']);
			}
		});

		it('who shares but the last of 150 rooms', async () => {
			for (let i = 0; i < 150; i++) await addRoom(roomkey.store, [bob]);
			await addRoom(roomkey.store, [alice, bob]);
			expect(keysIn(await read(bob, alice))).to.deep.equal(['key']);
		});

		it('who may edit the keys of others', async () => {
			const admin = await addPerson(roomkey.store, { roles: ['admin'] });
			expect(keysIn(await read(admin, alice))).to.deep.equal(['key']);
		});

		it('nobody else, who learns not even whether there is such a user', async () => {
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

	describe('T3 a page at a time', () => {
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
			it(`count and offset ${page}`, async () => {
				const answer = await read(alice, alice, ...page);
				expect(keysIn(answer)).to.deep.equal(keys);
				expect(answer).to.include({ count: keys.length, offset: page[1] ?? 0, total: 5 });
			});
		}

		it('refuses what is no number of entries', async () => {
			for (const page of [[-1], [1.5], ['2'], [1, -1]]) {
				expect((await rejection(read(alice, alice, ...page))).message).to.match(/^Match error/);
			}
		});
	});

	describe('the event e2eIdentityChanged', () => {
		it('reaches those who share an encrypted room, each once, with the hash that now is the last', async () => {
			await set(alice, 'one');
			const [carol, dave, erin] = [
				await addPerson(roomkey.store),
				await addPerson(roomkey.store),
				await addPerson(roomkey.store),
			];
			for (const members of [[bob], [bob, carol], [bob, carol], [alice]]) {
				await addRoom(roomkey.store, [...members.filter((member) => member !== alice), alice], { encrypted: true });
			}
			await addRoom(roomkey.store, [alice, dave]);
			await addRoom(roomkey.store, [bob, dave], { encrypted: true });
			const invited = await addRoom(roomkey.store, [alice], { encrypted: true });
			await addMember(roomkey.store, invited, erin, { status: 'INVITED' });
			const heard = await hear(roomkey.bus, () => set(alice, 'two'));
			const last = (await read(alice, alice)).history.at(-1);
			expect(heard.notices.map(({ name }) => name)).to.have.members([
				`notify-user ${bob.id}/e2eIdentityChanged`,
				`notify-user ${carol.id}/e2eIdentityChanged`,
			]);
			for (const { args } of heard.notices) {
				expect(args).to.deep.equal([alice.id, { ts: last?.ts, hash: last?.hash }]);
			}
		});

		it('reaches each of 350 members of two rooms once', async () => {
			await set(alice, 'one');
			const people: Person[] = [];
			for (let i = 0; i < 350; i++) people.push(await addPerson(roomkey.store));
			await addRoom(roomkey.store, [...people.slice(0, 250), alice], { encrypted: true });
			await addRoom(roomkey.store, [...people.slice(100), alice], { encrypted: true });
			const heard = await hear(roomkey.bus, () => set(alice, 'two'));
			expect(heard.notices.map(({ name }) => name)).to.have.members(
				people.map(({ id }) => `notify-user ${id}/e2eIdentityChanged`),
			);
		});

		it('is not sent for a first key, but for the first after a reset', async () => {
			await addRoom(roomkey.store, [alice, bob], { encrypted: true });
			expect((await hear(roomkey.bus, () => set(alice, 'one'))).notices).to.deep.equal([]);
			await roomkey.call(alice, 'e2e.resetOwnE2EKey');
			const heard = await hear(roomkey.bus, () => set(alice, 'two'));
			expect(heard.named(`notify-user ${bob.id}/e2eIdentityChanged`)).to.have.length(1);
		});
	});
});
