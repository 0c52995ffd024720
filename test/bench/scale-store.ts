/**
 * A process with a store of many rooms, for the bench of `scale.ts`: it makes calls as it is told, and answers what one
 * of them cost. Argument: how many rooms.
 */

import * as catalogue from '../../methods/index.js';
import { createDeadlines } from '../../server/deadlines.js';
import { createBus } from '../../server/events/bus.js';
import { createInvoker, type Invoker } from '../../server/invoke.js';
import { openStore } from '../../server/store/open.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';

/** What is measured. */
export type Task = 'e2e.setRoomKeyID' | 'e2e.updateGroupKey' | 'e2e.fetchUsersWaitingForGroupKey';

export interface Round {
	readonly task: Task;
	readonly calls: number;
}

/** Members of each room. */
const MEMBERS = 2;
/** Rooms a user is a member of. */
const ROOMS_OF_ONE = 20;
/** Documents written at a time. */
const BATCH = 1000;

const KEY_ID = '0123456789ab';

const userOf = (room: number, member: number) => `user-${Math.floor((room * MEMBERS + member) / ROOMS_OF_ONE)}`;

async function inBatches(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
	for (let done = 0; done < count; done += BATCH) {
		const size = Math.min(BATCH, count - done);
		await Promise.all(Array.from({ length: size }, (_, i) => write(done + i)));
	}
}

/** Rooms of two members, of whom nobody has a key. */
async function fill(store: Store, rooms: number): Promise<void> {
	const publicKey = 'p'.repeat(450);
	await inBatches(Math.ceil((rooms * MEMBERS) / ROOMS_OF_ONE), (i) =>
		store.users.insertOne({ _id: `user-${i}`, username: `u${i}`, roles: ['user'], e2e: { public_key: publicKey } }),
	);
	await inBatches(rooms, (i) =>
		store.rooms.insertOne({ _id: `room-${i}`, t: 'p', name: `n${i}`, encrypted: true, e2eKeyId: KEY_ID }),
	);
	await inBatches(rooms * MEMBERS, (i) => {
		const room = Math.floor(i / MEMBERS);
		// Two neighbours would be one and the same user in most rooms.
		const _id = i % MEMBERS === 0 ? userOf(room, 0) : userOf((room + ROOMS_OF_ONE) % rooms, 1);
		return store.subscriptions.insertOne({ _id: `place-${i}`, rid: `room-${room}`, t: 'p', u: { _id } });
	});
}

interface Call {
	readonly userId: string;
	readonly params: unknown[];
}

/** A number that differs from call to call, spread over all rooms as callers are. */
function* rooms(count: number): Generator<number, never> {
	for (let i = 0; ; i = (i + 7919) % count) yield i;
}

function sealed(n: number): string {
	return `${KEY_ID}${String(n).padStart(342, 'A')}==`;
}

/** What comes before the calls of a round, and the calls. */
async function prepare(
	store: Store,
	picked: Iterator<number, never>,
	{ task, calls }: Round,
	made: number,
): Promise<Call[]> {
	const chosen = Array.from({ length: calls }, () => picked.next().value);
	if (task === 'e2e.setRoomKeyID') {
		for (const room of chosen) await store.rooms.updateOne({ _id: `room-${room}` }, { $unset: { e2eKeyId: 1 } });
	}
	return chosen.map((room, i) => {
		const rid = `room-${room}`;
		const userId = userOf(room, 0);
		if (task === 'e2e.setRoomKeyID') return { userId, params: [rid, KEY_ID] };
		if (task === 'e2e.updateGroupKey') return { userId, params: [rid, userId, sealed(made + i)] };
		return { userId, params: [[rid]] };
	});
}

async function measure(invoker: Invoker, task: Task, calls: readonly Call[]): Promise<number> {
	const before = process.cpuUsage();
	for (const { userId, params } of calls) {
		await invoker.invoke(task, params, { userId, hashedToken: null, connection: null, clientAddress: null });
	}
	const { user, system } = process.cpuUsage(before);
	return (user + system) / calls.length;
}

const count = Number(process.argv[2]);
const log = memoryLog();
const { store, close } = await openStore({ kind: 'memory' }, log);
await fill(store, count);
const invoker = createInvoker(catalogue.methods, {
	store,
	bus: createBus(log),
	// A lease remembered for each call would be measured along.
	settings: { ...settings, leaseTime: 0 },
	log,
	deadlines: createDeadlines(),
});
const picked = rooms(count);
let made = 0;
process.on('message', async (round: Round) => {
	const calls = await prepare(store, picked, round, made);
	made += calls.length;
	process.send?.(await measure(invoker, round.task, calls));
});
process.once('disconnect', () => void close());
process.send?.('ready');
