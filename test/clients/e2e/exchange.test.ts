/** A key exchange among five users whose clients use different formats, and one user with an unfit public key. */
import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { startApp, type TestApp } from '../../support/app.js';
import { addPerson, addRoom, type Person } from '../../support/people.js';
import { headersOf, post, request } from '../../support/rest.js';
import { codeOf } from './suite.js';

// biome-ignore lint/suspicious/noExplicitAny: what a server says is looked at, not typed
type Wire = any;

class Client {
	privateKey!: e2e.Key;
	publicKey = '';

	constructor(
		private readonly url: string,
		readonly person: Person,
		/** The format of the stored identity keys and of the messages that this client writes. */
		readonly format: e2e.Format,
	) {}

	get id(): string {
		return this.person.id;
	}

	async post(name: string, args: object): Promise<Wire> {
		return this.checked(await post(`${this.url}/api/v1/${name}`, this.person, args));
	}

	async get(name: string, query: Record<string, string>): Promise<Wire> {
		const address = `${this.url}/api/v1/${name}?${new URLSearchParams(query)}`;
		return this.checked(await request(address, { headers: headersOf(this.person) }));
	}

	private checked({ status, body }: { status: number; body: Wire }): Wire {
		expect(status, JSON.stringify(body)).to.equal(200);
		return body;
	}

	/** Stores identity keys, and reads them again as on a new device. */
	async makeIdentity(passphrase: string): Promise<void> {
		const made = await e2e.makeIdentity(this.format);
		const private_key = await e2e.wrapPrivateKey(made.privateKey, passphrase, this.id, this.format);
		await this.post('e2e.setUserPublicAndPrivateKeys', { public_key: made.publicKey, private_key });
		const stored = await this.get('e2e.fetchMyKeys', {});
		const identity = await e2e.unwrapIdentity(stored.private_key, passphrase, this.id, { extractable: false });
		expect(e2e.sameKey(identity.publicKey, stored.public_key)).to.equal(true);
		Object.assign(this, identity);
	}

	async membership(rid: string): Promise<Wire> {
		return (await this.get('subscriptions.getOne', { roomId: rid })).subscription;
	}

	async roomKeyId(rid: string): Promise<string> {
		return (await this.get('rooms.info', { roomId: rid })).room.e2eKeyId;
	}

	/** Accepts or rejects the offered key. @returns `accepted`, or the code of the error */
	async decide(rid: string): Promise<string> {
		const { E2ESuggestedKey } = await this.membership(rid);
		const open = async () => e2e.openRoomKey(E2ESuggestedKey, this.privateKey, { keyId: await this.roomKeyId(rid) });
		const code = await open().then(
			() => 'accepted',
			(error) => error.code,
		);
		await this.post(`e2e.${code === 'accepted' ? 'accept' : 'reject'}SuggestedGroupKey`, { rid });
		return code;
	}

	/** The keys of the room, the present one first. */
	async keys(rid: string): Promise<e2e.RoomKey[]> {
		const { E2EKey, oldRoomKeys = [] } = await this.membership(rid);
		const present = e2e.openRoomKey(E2EKey, this.privateKey, { keyId: await this.roomKeyId(rid) });
		const former = oldRoomKeys.map((old: Wire) =>
			e2e.openRoomKey(old.E2EKey, this.privateKey, { keyId: old.e2eKeyId }),
		);
		return Promise.all([present, ...former]);
	}

	async write(rid: string, msg: string): Promise<e2e.EncryptedMessage> {
		const [key] = await this.keys(rid);
		if (!key) throw new Error('no key');
		// The id of a v1 key has 12 characters. A v2 key encrypts only v2 messages.
		const format = key.id.length === 12 ? this.format : undefined;
		return e2e.encryptMessage({ _id: `by ${this.id}`, rid, msg }, key, { format, userId: this.id });
	}

	async read(rid: string, message: e2e.Message): Promise<string | undefined> {
		return (await e2e.decryptMessage(message, await this.keys(rid))).msg;
	}

	/** Offers the present and the former keys to all who wait. @returns each member whose public key failed, and why */
	async serve(rid: string): Promise<string[]> {
		const { usersWaitingForE2EKeys } = await this.get('e2e.fetchUsersWaitingForGroupKey', { roomIds: rid });
		const [present, ...former] = await this.keys(rid);
		if (!present) throw new Error('no key');
		const { oldRoomKeys = [] } = await this.membership(rid);
		const [offers, skipped]: [object[], string[]] = [[], []];
		for (const { _id, public_key } of usersWaitingForE2EKeys[rid] ?? []) {
			try {
				const seal = (key: e2e.RoomKey) => e2e.sealRoomKey(key, public_key);
				const oldKeys = former.map(async (key, i) => ({
					e2eKeyId: key.id,
					ts: oldRoomKeys[i].ts,
					E2EKey: await seal(key),
				}));
				offers.push({ _id, key: await seal(present), oldKeys: await Promise.all(oldKeys) });
			} catch (error) {
				skipped.push(`${_id} ${(error as e2e.E2EError).code}`);
			}
		}
		await this.post('e2e.provideUsersSuggestedGroupKeys', { usersSuggestedGroupKeys: { [rid]: offers } });
		return skipped;
	}
}

/** A room key as a phone makes it. The members of its JSON are in another order than in browsers. */
async function phoneRoomKey(): Promise<e2e.RoomKey> {
	const k = randomBytes(16).toString('base64url');
	const jwk = JSON.stringify({ kty: 'oct', alg: 'A128CBC', k, ext: true, key_ops: ['encrypt', 'decrypt'] });
	return e2e.importRoomKey(createHash('sha256').update(jwk).digest('hex').slice(0, 12), jwk);
}

describe('A key exchange among clients of different versions', () => {
	let app: TestApp;
	let unfit: Person;
	let rid: string;
	let web8: Client;
	let web7: Client;
	let web6: Client;
	let phone: Client;
	let mallory: Client;
	let everybody: Client[];
	const written: e2e.EncryptedMessage[] = [];

	before(async () => {
		app = await startApp();
		const join = async (format: e2e.Format) => new Client(app.url, await addPerson(app.store), format);
		[web8, web7, web6, phone, mallory] = await Promise.all([
			join('v2'),
			join('v1'),
			join('legacy'),
			join('v1'),
			join('v1'),
		]);
		everybody = [web8, web7, web6, phone, mallory];
		for (const client of everybody) await client.makeIdentity(e2e.generatePassphrase());
		unfit = await addPerson(app.store, { e2e: { public_key: 'garbage', private_key: 'garbage' } });
		rid = await addRoom(app.store, [...everybody.map(({ person }) => person), unfit], {
			encrypted: true,
			u: { _id: phone.id },
		});
	});
	after(() => app.close());

	it('lets everybody read all messages, despite wrong offers and an unfit public key', async () => {
		const key = await phoneRoomKey();
		await phone.post('e2e.setRoomKeyID', { rid, keyID: key.id });
		// Mallory first offers a wrong key under the right id.
		const wrong = await e2e.importRoomKey(key.id, (await e2e.makeRoomKey('v1')).jwk, { anyId: true });
		for (const victim of [web8, web6]) {
			const offer = await e2e.sealRoomKey(wrong, victim.publicKey);
			await mallory.post('e2e.updateGroupKey', { rid, uid: victim.id, key: offer });
		}
		const { users } = await phone.get('e2e.getUsersOfRoomWithoutKey', { rid });
		for (const { _id, e2e: keys } of users) {
			const sealed = await e2e.sealRoomKey(key, keys.public_key).catch(() => undefined);
			if (sealed) await phone.post('e2e.updateGroupKey', { rid, uid: _id, key: sealed });
			else expect(_id).to.equal(unfit.id);
		}

		const outcomes = await Promise.all([web8, web7, web6, mallory].map((client) => client.decide(rid)));
		expect(outcomes).to.deep.equal(['key-id-mismatch', 'accepted', 'key-id-mismatch', 'accepted']);
		// Those who refused wait again.
		await web7.serve(rid);
		for (const victim of [web8, web6]) expect(await victim.decide(rid)).to.equal('accepted');

		for (const writer of everybody) {
			const message = await writer.write(rid, `${writer.id} writes ${writer.format}`);
			written.push(message);
			for (const reader of everybody) {
				expect(await reader.read(rid, message)).to.equal(`${writer.id} writes ${writer.format}`);
			}
		}
	});

	it('continues after a reset to a v2 key, and gives a new member the old key too', async () => {
		const key = await e2e.makeRoomKey('v2');
		const own = await e2e.sealRoomKey(key, phone.publicKey);
		await app.store.subscriptions.updateOne({ rid, 'u._id': phone.id }, { $set: { roles: ['owner'] } });
		await phone.post('e2e.resetRoomKey', { rid, e2eKey: own, e2eKeyId: key.id });
		const newcomer = new Client(app.url, await addPerson(app.store), 'v2');
		await newcomer.makeIdentity(e2e.generatePassphrase());
		await phone.post('groups.invite', { roomId: rid, userId: newcomer.id });
		// The server does not list a member whose public key is unfit.
		expect(await phone.serve(rid)).to.deep.equal([]);
		for (const client of [...everybody, newcomer]) {
			if (client !== phone) expect(await client.decide(rid)).to.equal('accepted');
		}
		const message = await web6.write(rid, 'after the reset');
		for (const reader of [...everybody, newcomer]) {
			expect(await reader.read(rid, message)).to.equal('after the reset');
			for (const [i, old] of written.entries()) {
				expect(await reader.read(rid, old)).to.equal(`${everybody[i]?.id} writes ${everybody[i]?.format}`);
			}
		}
	});

	it('shows in the key history that a user has changed the identity keys', async () => {
		const read = async () => (await web7.get('e2e.keyHistory', { uid: web8.id })).history;
		const before = await e2e.verifyKeyHistory(await read());
		expect(e2e.sameKey(String(before.publicKey), web8.publicKey)).to.equal(true);
		expect((await e2e.verifyKeyHistory(await read(), before.head)).changes).to.deep.equal([]);
		const { publicKey, privateKey } = await e2e.makeIdentity();
		const private_key = await e2e.wrapPrivateKey(privateKey, 'another passphrase', web8.id, 'v1');
		await web8.post('e2e.setUserPublicAndPrivateKeys', { public_key: publicKey, private_key, force: true });
		const after = await e2e.verifyKeyHistory(await read(), before.head);
		expect(after.changes.map(({ public_key }) => public_key)).to.deep.equal([publicKey]);
		// Without the known entry, which the server may have dropped, the change is still found.
		const shortened = (await read()).slice(1);
		expect((await e2e.verifyKeyHistory(shortened, before.head)).changes).to.have.length(1);
		const forged = [{ ...shortened[0], public_key: web8.publicKey }];
		expect(await codeOf(() => e2e.verifyKeyHistory(forged, before.head))).to.equal('broken-history');
	});
});
