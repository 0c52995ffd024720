/**
 * The bot at work, with one command: `npm run demo:bot`. It starts Roomkey with the users of its demo, and the bot. alice makes
 * the key of a room, writes a message and gives the bot the key. She invites bob and leaves, so bob gets the key from the bot.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
	decryptText,
	encryptText,
	generatePassphrase,
	makeIdentity,
	makeRoomKey,
	openRoomKey,
	sealRoomKey,
} from 'roomkey/e2e';
import { connect } from './ddp.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-bot-'));
const children = [];
try {
	await runDemo();
} finally {
	for (const child of children) if (child.exitCode === null && child.kill()) await once(child, 'exit');
	rmSync(folder, { recursive: true });
}

/** Starts a program. Returns a function that waits for a line of its output that contains a text. */
function start(file, args, env) {
	const child = spawn(process.execPath, [path.join(ROOT, file), ...args], {
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	children.push(child);
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	return async (text) => {
		for (;;) {
			const { value, done } = await lines.next();
			if (done) throw new Error(`${file} has ended`);
			if (file.endsWith('bot.mjs')) console.log('  bot:', value);
			if (value.includes(text)) return value;
		}
	};
}

async function runDemo() {
	const line = await start('dist/server/cli/main.js', ['--demo', '--port', '0', '--log-level', 'silent'])('listening');
	const url = `${line.replace(/.*http/, 'ws')}/websocket`;
	console.log('Roomkey listens; admin makes a user for the bot.');
	const admin = await logIn(url, 'admin');
	const password = generatePassphrase();
	await admin.createUser(line.replace(/.*http/, 'http'), { username: 'keybot', password });
	const botPrints = start('examples/bot/bot.mjs', [], {
		ROOMKEY_URL: url,
		BOT_NAME: 'keybot',
		BOT_PASSWORD: password,
		BOT_PASSPHRASE: generatePassphrase(),
		BOT_MEMORY: path.join(folder, 'memory.json'),
	});
	await botPrints('ready');

	const alice = await logIn(url, 'alice');
	const identity = await storeIdentity(alice);
	const { group } = await alice.call('groups.create', 'shown', ['keybot'], false, {}, { encrypted: true });
	const rid = group._id;
	const key = await makeRoomKey();
	await alice.call('e2e.setRoomKeyID', rid, key.id);
	await alice.call('e2e.updateGroupKey', rid, alice.id, await sealRoomKey(key, identity.publicKey));
	console.log('alice made the key of a room, and writes: the meeting is at noon');
	const content = await encryptText('the meeting is at noon', key);
	const { usersWaitingForE2EKeys } = await alice.call('e2e.fetchUsersWaitingForGroupKey', [rid]);
	for (const { _id, public_key } of usersWaitingForE2EKeys[rid]) {
		await alice.call('e2e.updateGroupKey', rid, _id, await sealRoomKey(key, public_key));
	}
	await botPrints('accepted');

	const { promise: offered, resolve: onOffer } = withResolvers();
	const bob = await logIn(url, 'bob', (_, [, membership]) => {
		if (membership.E2ESuggestedKey) onOffer(membership.E2ESuggestedKey);
	});
	const bobsIdentity = await storeIdentity(bob);
	await bob.subscribe('notify-user', `${bob.id}/subscriptions-changed`);
	await alice.call('groups.invite', rid, undefined, bob.id);
	alice.close();
	console.log('bob joined, and alice has gone.');
	await botPrints('gave the key');
	const opened = await openRoomKey(await offered, bobsIdentity.privateKey, { keyId: key.id });
	await bob.call('e2e.acceptSuggestedGroupKey', rid);
	console.log('bob got the key from the bot, and reads:', await decryptText(content, [opened]));
	bob.close();
	admin.close();
}

/** A promise and the function that resolves it. */
function withResolvers() {
	const result = {};
	result.promise = new Promise((resolve) => {
		result.resolve = resolve;
	});
	return result;
}

/** Logs in a user of the demo, whose password is the username. */
async function logIn(url, name, onEvent) {
	const server = await connect(url, onEvent);
	const { id, token } = await server.call('login', { user: { username: name }, password: name });
	return {
		...server,
		id,
		async createUser(address, { username, password }) {
			const response = await fetch(`${address}/api/v1/users.create`, {
				method: 'POST',
				headers: { 'content-type': 'application/json', 'x-user-id': id, 'x-auth-token': token },
				body: JSON.stringify({ username, password, name: username, email: `${username}@example.com` }),
			});
			if (!response.ok) throw new Error(await response.text());
		},
	};
}

async function storeIdentity(person) {
	const identity = await makeIdentity();
	// alice and bob use one device each, so their stored private keys are never read.
	const keys = { public_key: identity.publicKey, private_key: 'not used in this demo' };
	await person.call('e2e.setUserPublicAndPrivateKeys', keys);
	return identity;
}
