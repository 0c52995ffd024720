/**
 * Kills a server at random moments while REST and DDP clients write, and starts it again on the same folder. Then looks
 * for lost writes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openFolder } from '../../server/store/folder.js';
import { RawClient } from './ddp.js';
import { addPerson, addRoom, type Person } from './people.js';
import { post } from './rest.js';

const command = fileURLToPath(new URL('../../server/cli/main.js', import.meta.url));

/** Number of REST clients, and of DDP clients. */
const CLIENTS = 4;
/** Number of rooms that clients may claim between two starts. */
const ROOMS = 150;
/** Longest time from start to kill of a server that is killed early, in ms. */
const EARLY_MS = 1000;
/** Longest time for which any other server listens, in ms. */
const LATE_MS = 500;

export interface KillResult {
	/** Number of servers that were killed before they listened. */
	readonly early: number;
	/** The output of each server that ended by itself. */
	readonly failed: readonly string[];
	/** Number of rooms whose key id was acknowledged. */
	readonly acknowledged: number;
	/** The rooms whose acknowledged key id or key is not stored. */
	readonly lost: readonly string[];
}

interface Claim {
	readonly keyId: string;
	/** The caller's key. Absent until the server has acknowledged it. */
	key?: string;
}

/** Claims rooms one after the other and stores the caller's key, until `next` returns none or the server is gone. */
type Client = (
	address: string,
	person: Person,
	next: () => string | undefined,
	claims: Map<string, Claim>,
) => Promise<void>;

function claimOf(rid: string): Required<Claim> {
	const keyId = rid.padStart(12, '0');
	return { keyId, key: `${keyId}${'A'.repeat(342)}==` };
}

const overRest: Client = async (address, person, next, claims) => {
	for (let rid = next(); rid; rid = next()) {
		const { keyId, key } = claimOf(rid);
		const set = await post(`${address}/api/v1/e2e.setRoomKeyID`, person, { rid, keyID: keyId });
		if (set.status === 200) claims.set(rid, { keyId });
		const stored = await post(`${address}/api/v1/e2e.updateGroupKey`, person, { rid, uid: person.id, key });
		if (stored.status === 200) claims.set(rid, { keyId, key });
	}
};

const overDdp: Client = async (address, person, next, claims) => {
	const client = await RawClient.connect(`${address.replace('http', 'ws')}/websocket`);
	await client.call('login', { resume: person.token });
	for (let rid = next(); rid; rid = next()) {
		const { keyId, key } = claimOf(rid);
		const set = await client.call('e2e.setRoomKeyID', rid, keyId);
		if (!set.error) claims.set(rid, { keyId });
		const stored = await client.call('e2e.updateGroupKey', rid, person.id, key);
		if (!stored.error) claims.set(rid, { keyId, key });
	}
};

/**
 * Starts and kills a server again and again, and then compares the folder with what was acknowledged.
 * @param folder an empty folder
 */
export async function killOften(folder: string, times: number): Promise<KillResult> {
	const first = await openFolder(folder);
	const person = await addPerson(first.store);
	const rids = Array.from({ length: ROOMS * times }, (_, i) => `r${i}`);
	await Promise.all(rids.map((_id) => addRoom(first.store, [person], { _id })));
	await first.close();

	const claims = new Map<string, Claim>();
	const failed: string[] = [];
	let early = 0;
	for (let round = 0; round < times; round++) {
		const unclaimed = rids.slice(round * ROOMS, (round + 1) * ROOMS);
		// Every fourth server is killed early, usually before it listens.
		const outcome = await killOnce(folder, round % 4 === 3, (address) => {
			const clients = Array.from({ length: 2 * CLIENTS }, (_, i) => (i % 2 === 0 ? overRest : overDdp));
			return Promise.allSettled(clients.map((client) => client(address, person, () => unclaimed.shift(), claims)));
		});
		if (outcome === 'early') early++;
		else if (outcome !== 'killed') failed.push(outcome);
	}

	const { store, close } = await openFolder(folder);
	const lost: string[] = [];
	for (const [rid, { keyId, key }] of claims) {
		const room = await store.rooms.findOne({ _id: rid });
		const membership = await store.subscriptions.findOne({ rid, 'u._id': person.id });
		if (room?.e2eKeyId !== keyId || (key !== undefined && membership?.E2EKey !== key)) lost.push(rid);
	}
	await close();
	return { early, failed, acknowledged: claims.size, lost };
}

/**
 * Starts a server and kills it at a random moment.
 * @param early whether the random time counts from the start of the server, instead of from listening
 * @returns `early` if killed before it listened, `killed` if later, the output if not killed
 */
async function killOnce(folder: string, early: boolean, use: (address: string) => Promise<unknown>): Promise<string> {
	const args = [command, '--data', folder, '--port', '0', '--rate-limit', 'off', '--log-level', 'error'];
	const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH } });
	let printed = '';
	child.stderr.on('data', (chunk) => {
		printed += chunk;
	});
	const ended = once(child, 'close');
	const kill = () => child.kill('SIGKILL');
	if (early) void pause(Math.random() * EARLY_MS).then(kill);
	let address: string | undefined;
	for await (const line of createInterface({ input: child.stdout })) {
		printed += line;
		address ??= /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
		if (address) break;
	}
	if (address && !early) void pause(Math.random() * LATE_MS).then(kill);
	if (address) await use(address);
	const [, signal] = await ended;
	if (signal !== 'SIGKILL') return printed || 'the server ended and printed nothing';
	return address ? 'killed' : 'early';
}
