/**
 * A bot that keeps the keys of encrypted rooms available. It accepts the key of every room it is a member of. It gives the
 * present key and the former ones to members who wait for them. It prints what it cannot do. Run it with secrets in the
 * environment:
 *
 *   ROOMKEY_URL=ws://127.0.0.1:3000/websocket BOT_NAME=bot BOT_PASSWORD=… BOT_PASSPHRASE=… \
 *   BOT_MEMORY=bot-memory.json node examples/bot/bot.mjs
 *
 * BOT_MEMORY names the file in which the bot stores the fingerprints of the members' public keys. With BOT_HOLD_CHANGED=1
 * a member whose public key has changed gets no room key. To give this member keys again, stop the bot, remove the member's
 * line from that file, and start the bot.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fingerprintOf, makeIdentity, openRoomKey, sealRoomKey, unwrapIdentity, wrapPrivateKey } from 'roomkey/e2e';
import { connect } from './ddp.mjs';

const {
	ROOMKEY_URL = 'ws://127.0.0.1:3000/websocket',
	BOT_NAME,
	BOT_PASSWORD,
	BOT_PASSPHRASE,
	BOT_MEMORY = 'bot-memory.json',
	BOT_HOLD_CHANGED,
} = process.env;
if (!BOT_NAME || !BOT_PASSWORD || !BOT_PASSPHRASE) {
	console.error('BOT_NAME, BOT_PASSWORD and BOT_PASSPHRASE must be set');
	process.exit(2);
}

/** Fingerprints of the public keys for which room keys were sealed, by user id. */
const known = existsSync(BOT_MEMORY) ? JSON.parse(readFileSync(BOT_MEMORY, 'utf8')) : {};
/** By room id: the key id of the room, its present key and its former keys. */
const keys = new Map();
/** User ids and public keys about which something was printed, so that it is printed once. */
const reported = new Set();

/** Events are handled one after the other. If one fails, its error is printed and the next one is handled. */
let turn = Promise.resolve();
const inTurn = (run) => {
	turn = turn.then(run).catch((error) => console.error('failed:', error.code ?? '', error.message));
	return turn;
};

const server = await connect(ROOMKEY_URL, (eventName, args) => {
	const [about, event] = eventName.split('/');
	if (event === 'subscriptions-changed') {
		const [action, { rid }] = args;
		inTurn(() => (action === 'removed' ? keys.delete(rid) : take(rid)));
	}
	if (event === 'rooms-changed') inTurn(() => serve(args[1]));
	// Members ask for a key in one of two ways: `e2e.requestSubscriptionKeys`, or an event of their clients.
	if (event === 'e2e.keyRequest') inTurn(() => serve({ _id: about }));
	if (event === 'e2ekeyRequest') inTurn(() => serve({ _id: args[0] }));
});
const { id: me } = await server.call('login', { user: { username: BOT_NAME }, password: BOT_PASSWORD });
const { publicKey, privateKey } = await identity();
for (const name of ['subscriptions-changed', 'rooms-changed', 'e2ekeyRequest']) {
	await server.subscribe('notify-user', `${me}/${name}`);
}
console.log('ready with the key', await fingerprintOf(publicKey));
for (const membership of await server.call('subscriptions/get')) inTurn(() => take(membership.rid));
await server.closed;
// Without a connection the bot is of no use. It exits with a failure, so that its supervisor starts it again.
process.exitCode = 1;

/** The identity keys of the bot. They are made and stored at the first start. */
async function identity() {
	const stored = await server.call('e2e.fetchMyKeys');
	if (stored.private_key) return unwrapIdentity(stored.private_key, BOT_PASSPHRASE, me, { extractable: false });
	const made = await makeIdentity();
	const private_key = await wrapPrivateKey(made.privateKey, BOT_PASSPHRASE, me);
	await server.call('e2e.setUserPublicAndPrivateKeys', { public_key: made.publicKey, private_key });
	return made;
}

/**
 * Reads the keys in the bot's membership of a room, and accepts or rejects an offered key. The membership is fetched, because
 * the copy in an event can be outdated: then the rejection of an old offer would reject a newer one.
 */
async function take(rid) {
	const { subscription } = await server.call('subscriptions.getOne', rid);
	const { E2EKey, E2ESuggestedKey, oldRoomKeys = [], suggestedOldRoomKeys = [] } = subscription ?? {};
	if (!E2EKey && !E2ESuggestedKey) return void keys.delete(rid);
	const { room } = await server.call('rooms.info', rid);
	const keyId = room.e2eKeyId;
	let present = E2EKey && (await open(rid, E2EKey, keyId));
	let former = oldRoomKeys;
	if (E2ESuggestedKey) {
		const offered = await open(rid, E2ESuggestedKey, keyId);
		await server.call(`e2e.${offered ? 'accept' : 'reject'}SuggestedGroupKey`, rid);
		console.log(offered ? 'accepted' : 'rejected', 'the key offered for', rid);
		if (offered) present = offered;
		if (offered) former = [...suggestedOldRoomKeys, ...oldRoomKeys];
	}
	if (!present) return void keys.delete(rid);
	await server.subscribe('notify-room', `${rid}/e2e.keyRequest`);
	const opened = former.map(async ({ e2eKeyId, ts, E2EKey }) => ({ ts, key: await open(rid, E2EKey, e2eKeyId) }));
	keys.set(rid, { keyId, present, former: (await Promise.all(opened)).filter(({ key }) => key) });
	await serve({ _id: rid });
}

/** Opens a sealed room key. If that fails, or the key has another id than `keyId`, prints why and returns undefined. */
async function open(rid, sealed, keyId) {
	try {
		return await openRoomKey(sealed, privateKey, { keyId });
	} catch (error) {
		console.log('cannot use a key of', rid, error.code);
		return undefined;
	}
}

/** Gives the keys of a room to the members who wait for them. A member whose public key is unusable is skipped. */
async function serve({ _id: rid, e2eKeyId }) {
	const held = keys.get(rid);
	// A room that was reset has another key, which comes with an event of its own.
	if (!held || (e2eKeyId && e2eKeyId !== held.keyId)) return;
	const { usersWaitingForE2EKeys, unfitPublicKeys } = await server.call('e2e.fetchUsersWaitingForGroupKey', [rid]);
	for (const uid of unfitPublicKeys?.[rid] ?? []) report(uid, '', `skips ${uid}: unfit-key`);
	const offers = [];
	for (const { _id, public_key } of usersWaitingForE2EKeys[rid] ?? []) {
		try {
			const offer = await offerTo(_id, public_key, held);
			if (await mayHave(_id, public_key)) offers.push(offer);
		} catch (error) {
			report(_id, public_key, `skips ${_id}: ${error.code}`);
		}
	}
	if (offers.length === 0) return;
	await server.call('e2e.provideUsersSuggestedGroupKeys', { [rid]: offers });
	console.log('gave the key of', rid, 'to', offers.map(({ _id }) => _id).join(', '));
}

/** Whether a member may receive keys. Compares the public key with the one that was used before, and remembers it. */
async function mayHave(uid, publicKey) {
	const fingerprint = await fingerprintOf(publicKey);
	if (known[uid] === fingerprint) return true;
	if (known[uid]) {
		report(uid, publicKey, `the key of ${uid} changed from ${known[uid]} to ${fingerprint}`);
		if (BOT_HOLD_CHANGED) return false;
	}
	remember(uid, fingerprint);
	return true;
}

function report(uid, publicKey, what) {
	if (!reported.has(`${uid} ${publicKey}`)) console.log(what);
	reported.add(`${uid} ${publicKey}`);
}

/** Writes the file whole or not at all. */
function remember(uid, fingerprint) {
	known[uid] = fingerprint;
	writeFileSync(`${BOT_MEMORY}.new`, JSON.stringify(known, null, '\t'), { mode: 0o600 });
	renameSync(`${BOT_MEMORY}.new`, BOT_MEMORY);
}

async function offerTo(_id, publicKey, { present, former }) {
	const key = await sealRoomKey(present, publicKey);
	const oldKeys = former.map(async ({ ts, key }) => ({
		e2eKeyId: key.id,
		ts,
		E2EKey: await sealRoomKey(key, publicKey),
	}));
	return { _id, key, oldKeys: await Promise.all(oldKeys) };
}
