/** The bot of `examples/bot`. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { startApp, type TestApp } from '../../support/app.js';
import { addMember, addPerson, addRoom, type Person } from '../../support/people.js';
import { post } from '../../support/rest.js';

describe('The bot of the examples', function () {
	this.timeout(40_000);
	let app: TestApp;
	let folder: string;
	let children: ChildProcessByStdio<null, Readable, Readable>[];
	let bot: Person;
	let alice: Person;
	let aliceIdentity: e2e.Identity;
	let roomKey: e2e.RoomKey;
	let rid: string;

	beforeEach(async () => {
		app = await startApp();
		folder = mkdtempSync(path.join(tmpdir(), 'roomkey-bot-test-'));
		children = [];
		bot = await addPerson(app.store, { username: 'bot', password: 'secret word' });
		alice = await addPerson(app.store);
		aliceIdentity = await storeIdentity(alice, await e2e.makeIdentity());
		rid = await addRoom(app.store, [alice, bot], { encrypted: true });
		roomKey = await e2e.makeRoomKey('v1');
		await call(alice, 'e2e.setRoomKeyID', { rid, keyID: roomKey.id });
		const own = await e2e.sealRoomKey(roomKey, aliceIdentity.publicKey);
		await call(alice, 'e2e.updateGroupKey', { rid, uid: alice.id, key: own });
	});
	afterEach(async () => {
		for (const child of children) if (child.exitCode === null && child.kill()) await once(child, 'exit');
		rmSync(folder, { recursive: true });
		await app.close();
	});

	async function call(as: Person, name: string, args: object) {
		const { status, body } = await post(`${app.url}/api/v1/${name}`, as, args);
		expect(status, JSON.stringify(body)).to.equal(200);
		return body;
	}

	/** Stores the public key. A text is stored in place of the private key. */
	async function storeIdentity(person: Person, { publicKey, privateKey }: e2e.Identity): Promise<e2e.Identity> {
		const keys = { public_key: publicKey, private_key: 'kept elsewhere', force: true };
		await call(person, 'e2e.setUserPublicAndPrivateKeys', keys);
		return { publicKey, privateKey };
	}

	/** Starts the bot. `readUntil` reads its output up to a line with a text. `errors` is its stderr. */
	function startBot(env: Record<string, string> = {}) {
		const child = spawn(process.execPath, ['examples/bot/bot.mjs'], {
			env: {
				...process.env,
				ROOMKEY_URL: app.webSocketUrl,
				BOT_NAME: 'bot',
				BOT_PASSWORD: 'secret word',
				BOT_PASSPHRASE: 'own passphrase',
				BOT_MEMORY: path.join(folder, 'memory.json'),
				...env,
			},
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		children.push(child);
		const errors: string[] = [];
		child.stderr.on('data', (data) => errors.push(String(data)));
		const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
		const readUntil = async (text: string): Promise<string> => {
			for (;;) {
				const { value, done } = await lines.next();
				if (done) throw new Error(`the bot has ended: ${errors.join('')}`);
				if (value.includes(text)) return value;
			}
		};
		return { child, readUntil, errors };
	}

	async function offer(to: Person, key: e2e.RoomKey): Promise<void> {
		const user = await app.store.users.findOne({ _id: to.id });
		const sealed = await e2e.sealRoomKey(key, String(user?.e2e?.public_key));
		await call(alice, 'e2e.updateGroupKey', { rid, uid: to.id, key: sealed });
	}

	/** Adds a member who waits for the key. */
	async function join(made: e2e.Identity): Promise<Person> {
		const person = await addPerson(app.store);
		await storeIdentity(person, made);
		await addMember(app.store, rid, person);
		await call(person, 'e2e.requestSubscriptionKeys', {});
		return person;
	}

	const membershipOf = (person: Person) => app.store.subscriptions.findOne({ rid, 'u._id': person.id });

	it('gives a new member the present and former keys, and remembers the public key of that member', async () => {
		const { readUntil, errors } = startBot();
		await readUntil('ready');
		await offer(bot, roomKey);
		await readUntil('accepted');
		const newKey = await e2e.makeRoomKey('v2');
		const own = await e2e.sealRoomKey(newKey, aliceIdentity.publicKey);
		await app.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { roles: ['owner'] } });
		await call(alice, 'e2e.resetRoomKey', { rid, e2eKey: own, e2eKeyId: newKey.id });
		await offer(bot, newKey);
		await readUntil('accepted');
		const made = await e2e.makeIdentity();
		const newcomer = await join(made);
		await readUntil(`to ${newcomer.id}`);
		const membership = await membershipOf(newcomer);
		const present = await e2e.openRoomKey(String(membership?.E2ESuggestedKey), made.privateKey, { keyId: newKey.id });
		expect(e2e.sameKey(present, newKey)).to.equal(true);
		const [old] = membership?.suggestedOldRoomKeys ?? [];
		const former = await e2e.openRoomKey(String(old?.E2EKey), made.privateKey, { keyId: roomKey.id });
		expect(e2e.sameKey(former, roomKey)).to.equal(true);
		const memory = JSON.parse(readFileSync(path.join(folder, 'memory.json'), 'utf8'));
		expect(memory).to.deep.equal({ [newcomer.id]: await e2e.fingerprintOf(made.publicKey) });
		expect(errors).to.deep.equal([]);
	});

	it('refuses a wrong key under the right id, and then takes the right one', async () => {
		const { readUntil } = startBot();
		await readUntil('ready');
		const wrong = await e2e.importRoomKey(roomKey.id, (await e2e.makeRoomKey('v1')).jwk, { anyId: true });
		await offer(bot, wrong);
		expect(await readUntil('cannot use')).to.equal(`cannot use a key of ${rid} key-id-mismatch`);
		await readUntil('rejected');
		await offer(bot, roomKey);
		await readUntil('accepted');
	});

	it('reports a member with an unfit public key, and serves the others', async () => {
		const { readUntil } = startBot();
		await readUntil('ready');
		const rsa = { name: 'RSA-OAEP', hash: 'SHA-256', modulusLength: 3072, publicExponent: new Uint8Array([1, 0, 1]) };
		const { privateKey } = await crypto.subtle.generateKey(rsa, true, ['encrypt', 'decrypt']);
		const unfit = await join({ publicKey: await e2e.publicKeyOf(privateKey), privateKey });
		const fit = await join(await e2e.makeIdentity());
		await offer(bot, roomKey);
		expect(await readUntil('skips')).to.equal(`skips ${unfit.id}: unfit-key`);
		await readUntil(`to ${fit.id}`);
		expect(await membershipOf(unfit)).not.to.have.property('E2ESuggestedKey');
	});

	it('reports a changed public key after a restart, and with BOT_HOLD_CHANGED gives that member no key', async () => {
		const first = startBot();
		await first.readUntil('ready');
		await offer(bot, roomKey);
		await first.readUntil('accepted');
		const [before, after] = [await e2e.makeIdentity(), await e2e.makeIdentity()];
		const person = await join(before);
		await first.readUntil(`to ${person.id}`);
		first.child.kill();
		await once(first.child, 'exit');
		await storeIdentity(person, after);
		await call(person, 'e2e.requestSubscriptionKeys', {});
		const expected = `the key of ${person.id} changed from ${await e2e.fingerprintOf(before.publicKey)} to ${await e2e.fingerprintOf(after.publicKey)}`;
		const holding = startBot({ BOT_HOLD_CHANGED: '1' });
		expect(await holding.readUntil('changed')).to.equal(expected);
		// The bot handles one event after the other. When it has served `other`, it is done with `person`.
		const other = await join(await e2e.makeIdentity());
		await holding.readUntil(`to ${other.id}`);
		expect(await membershipOf(person)).not.to.have.property('E2ESuggestedKey');
		expect(existsSync(path.join(folder, 'memory.json'))).to.equal(true);
	});

	it('shows no secret in its output or on its command line', async () => {
		const { child, readUntil } = startBot({ BOT_PASSWORD: 'wrong word', BOT_PASSPHRASE: 'hidden phrase' });
		const ended = once(child, 'exit');
		const outcome = await readUntil('ready').catch((error) => String(error));
		await ended;
		expect(outcome).to.include('403').and.not.include('wrong word').and.not.include('hidden phrase');
		expect(child.spawnargs.join(' ')).not.to.include('word');
	});

	it('gives bob a key in the demo, examples/bot/demo.mjs', async () => {
		const child = spawn(process.execPath, ['examples/bot/demo.mjs'], { stdio: ['ignore', 'pipe', 'pipe'] });
		children.push(child);
		let said = '';
		child.stdout.on('data', (data) => {
			said += data;
		});
		child.stderr.on('data', (data) => {
			said += data;
		});
		const [code] = await once(child, 'close');
		expect(code, said).to.equal(0);
		expect(said).to.include('bob got the key from the bot, and reads: the meeting is at noon');
	});
});
