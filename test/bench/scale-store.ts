/**
 * The server of `scale.ts`, with a store of many rooms. Arguments: the number of rooms, and an empty folder for them.
 * Without a folder the rooms are in memory.
 */
import * as catalogue from '../../methods/index.js';
import { createApp } from '../../server/start/app.js';
import { openStore } from '../../server/store/open.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { addPerson } from '../support/people.js';

export interface ScaleReady {
	readonly port: number;
	/** A member of the rooms in `rids`. */
	readonly caller: { readonly id: string; readonly token: string };
	/** The rooms that calls use, spread over the whole store. */
	readonly rids: readonly string[];
	/** The key id of each of these rooms. */
	readonly keyId: string;
}

export type ScaleOrder = 'take key ids away' | 'cpu';

/** Number of rooms that calls use, in a store of any size. */
const BUSY_ROOMS = 1000;
const MEMBERS_PER_ROOM = 2;
const ROOMS_PER_USER = 20;
/** Documents written at a time. */
const BATCH = 1000;

const KEY_ID = '0123456789ab';

const userOf = (room: number, member: number) =>
	`user-${Math.floor((room * MEMBERS_PER_ROOM + member) / ROOMS_PER_USER)}`;

async function inBatches(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
	for (let done = 0; done < count; done += BATCH) {
		const size = Math.min(BATCH, count - done);
		await Promise.all(Array.from({ length: size }, (_, i) => write(done + i)));
	}
}

/** Stores rooms whose members have no room key. */
async function fill(store: Store, rooms: number): Promise<void> {
	const publicKey = 'p'.repeat(450);
	await inBatches(Math.ceil((rooms * MEMBERS_PER_ROOM) / ROOMS_PER_USER), (i) =>
		store.users.insertOne({ _id: `user-${i}`, username: `u${i}`, roles: ['user'], e2e: { public_key: publicKey } }),
	);
	await inBatches(rooms, (i) =>
		store.rooms.insertOne({ _id: `room-${i}`, t: 'p', name: `n${i}`, encrypted: true, e2eKeyId: KEY_ID }),
	);
	await inBatches(rooms * MEMBERS_PER_ROOM, (i) => {
		const room = Math.floor(i / MEMBERS_PER_ROOM);
		// `userOf(room, 1)` is the same user as `userOf(room, 0)`, so the second member is one of a room further on.
		const _id = i % MEMBERS_PER_ROOM === 0 ? userOf(room, 0) : userOf((room + ROOMS_PER_USER) % rooms, 1);
		return store.subscriptions.insertOne({ _id: `membership-${i}`, rid: `room-${room}`, t: 'p', u: { _id } });
	});
}

const count = Number(process.argv[2]);
const log = memoryLog();
const folder = process.argv[3];
let open = await openStore(folder ? { kind: 'files', folder } : { kind: 'memory' }, log);
await fill(open.store, count);
// Opened again, as after a restart.
if (folder) {
	await open.close();
	open = await openStore({ kind: 'files', folder }, log);
}
const { store, onChange } = open;
const caller = await addPerson(store);
const rids = Array.from({ length: BUSY_ROOMS }, (_, i) => `room-${i * Math.floor(count / BUSY_ROOMS)}`);
await inBatches(BUSY_ROOMS, (i) =>
	store.subscriptions.insertOne({ _id: `own-${i}`, rid: rids[i] as string, t: 'p', u: { _id: caller.id } }),
);
// With a `leaseTime`, calls of `e2e.fetchUsersWaitingForGroupKey` would reserve members too.
const settings = { ...testOptions.settings, leaseTime: 0 };
const app = createApp({ ...testOptions, settings, catalogue, store, onChange, log, grace: 0 });

process.on('message', async (order: ScaleOrder) => {
	if (order === 'cpu') return void process.send?.(process.cpuUsage());
	await inBatches(BUSY_ROOMS, (i) => store.rooms.updateOne({ _id: rids[i] as string }, { $unset: { e2eKeyId: 1 } }));
	process.send?.('done');
});
process.once('disconnect', () => process.exit());
process.send?.({ port: await app.listen(0, '127.0.0.1'), caller, rids, keyId: KEY_ID } satisfies ScaleReady);
