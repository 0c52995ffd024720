/** How much the calls of a well-behaved client slow down during attacks and large requests of other clients. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { RawClient } from '../support/ddp.js';
import type { Attack } from './fairness-attackers.js';
import type { CallReport, CallRequest } from './fairness-caller.js';
import type { FairnessReady } from './fairness-server.js';
import { median, run, stopOf } from './processes.js';

const ATTACK_MS = 5000;
/** How long the well-behaved client waits after each answer. */
const PAUSE_MS = 5;

/** Aims. The ratio is the median under attack divided by the quiet median. */
const MAX_RATIO = 4;
const MAX_FIRST_ANSWER_MS = 500;
const MAX_WAIT_MS = 50;

const ATTACKS: readonly Attack['what'][] = [
	'pings',
	'malformed',
	'large frames',
	'large frames, logged in',
	'a login that publishes 30,000 documents',
	'an unsub of 30,000 documents',
];

/** Makes calls one after the other until a promise settles. @returns how long each call took, in ms */
async function callDuring(client: RawClient, promise: Promise<unknown>): Promise<number[]> {
	let isOver = false;
	const over = promise.finally(() => {
		isOver = true;
	});
	const times: number[] = [];
	while (!isOver) {
		times.push(await timeOf(() => client.call('bench.nothing', 'room', 'key')));
		await delay(PAUSE_MS);
	}
	await over;
	return times;
}

async function timeOf(task: () => Promise<unknown>): Promise<number> {
	const began = performance.now();
	await task();
	return performance.now() - began;
}

function printRow(...cells: readonly (string | number)[]): void {
	console.log(`| ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(2) : cell)).join(' | ')} |`);
}

async function measureAttacks(client: RawClient, { port, admin }: FairnessReady): Promise<void> {
	console.log(`\nA client that calls again ${PAUSE_MS} ms after each answer, under attacks of ${ATTACK_MS} ms each.\n`);
	printRow('Attack', 'median ms', 'ratio to quiet', 'aim', 'longest ms', 'first answer after it, ms', 'aim');
	console.log('|---|---|---|---|---|---|---|');
	for (const what of ATTACKS) {
		const quiet = median(await callDuring(client, delay(1000)));
		const attackers = run('./fairness-attackers.js');
		// Only the attacks with 30,000 documents report the connections that the server has closed.
		let cutOff = 0;
		attackers.on('message', () => cutOff++);
		attackers.send({ what, port, token: admin.token } satisfies Attack);
		// Meanwhile the attackers start and compile their code.
		await delay(500);
		const times = await callDuring(client, delay(ATTACK_MS));
		await stopOf(attackers)();
		const first = await timeOf(() => client.call('bench.nothing', 'room', 'key'));
		const name = cutOff > 0 ? `${what} (the server closed ${cutOff} connections)` : what;
		const ratio = median(times) / quiet;
		printRow(name, median(times), ratio, `≤ ${MAX_RATIO}`, Math.max(...times), first, `≤ ${MAX_FIRST_ANSWER_MS}`);
	}
}

type Request = readonly [
	name: string,
	as: keyof FairnessReady & ('busy' | 'admin' | 'owner' | 'renamed'),
	method: string,
	...params: unknown[],
];

function requestsOf({ owner, renamed, largeRooms, many }: FairnessReady): Request[] {
	const [room = ''] = largeRooms;
	const jwk = (n: string) => JSON.stringify({ kty: 'RSA', n, e: 'AQAB' });
	const identity = (n: string) => ({ public_key: jwk(n), private_key: 'p', force: true });
	const names = Array.from({ length: 60_000 }, (_, i) => `member-${i % many}`);
	return [
		[`subscriptions/get, ${many} rooms`, 'busy', 'subscriptions/get', null],
		[`rooms/get, ${many} rooms`, 'busy', 'rooms/get', null],
		[`e2e.roomState, ${many} members`, 'owner', 'e2e.roomState', room],
		['users.update, a name in 1,000 rooms', 'admin', 'users.update', renamed.id, { username: 'renamed' }],
		['groups.create, 60,000 names', 'owner', 'groups.create', 'too-many', names],
		[
			`e2e.setUserPublicAndPrivateKeys, forced in ${many} rooms`,
			'busy',
			'e2e.setUserPublicAndPrivateKeys',
			identity('a'),
		],
		['e2e.setUserPublicAndPrivateKeys again, another key', 'busy', 'e2e.setUserPublicAndPrivateKeys', identity('b')],
		[`rooms.saveRoomSettings, a name with ${many} members`, 'owner', 'rooms.saveRoomSettings', room, null, 'new-name'],
		[`groups.delete, ${many} members`, 'owner', 'groups.delete', room],
		[
			`users.delete, the only owner of a room with ${many} members`,
			'admin',
			'users.delete',
			owner.id,
			null,
			null,
			// `confirmRelinquish` and `confirm`.
			true,
			true,
		],
	];
}

async function measureRequests(client: RawClient, ready: FairnessReady): Promise<void> {
	console.log('\nThe slowest call of the same client while another client made one large request.\n');
	printRow('Request', 'longest wait ms', 'aim', 'the request took ms', 'answer');
	console.log('|---|---|---|---|---|');
	const caller = run('./fairness-caller.js');
	for (const [name, as, ...call] of requestsOf(ready)) {
		const report = once(caller, 'message') as Promise<[CallReport]>;
		caller.send({ port: ready.port, token: ready[as].token, call } satisfies CallRequest);
		const times = await callDuring(client, report);
		const [{ took, answer }] = await report;
		printRow(name, Math.max(...times), `≤ ${MAX_WAIT_MS}`, took, answer);
	}
	await stopOf(caller)();
}

/** Prints both tables. */
export async function benchFairness(): Promise<void> {
	const child = run('./fairness-server.js');
	const [ready] = (await once(child, 'message')) as [FairnessReady];
	const client = await RawClient.connect(`ws://127.0.0.1:${ready.port}/websocket`);
	// The first calls compile code and do not count.
	await callDuring(client, delay(1000));
	await measureAttacks(client, ready);
	await measureRequests(client, ready);
	client.socket.terminate();
	await stopOf(child)();
}
