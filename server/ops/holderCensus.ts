/** Counts the rooms whose key no member holds. Nobody can give such a key to a new member. */
import { holdsKey } from '../../methods/model/keys/memberKeys.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';

/** Number of rooms whose members one query reads. */
const PAGE_SIZE = 100;

/** Minimum time between two counts, in ms. */
const INTERVAL_MS = 10 * 60_000;

/** Counts may run for at most this share of the time. */
const MAX_SHARE = 0.02;

/** Counts the rooms with a key that no member holds. */
export async function countRoomsWithoutHolder(store: Store): Promise<number> {
	const yielder = createYielder();
	const hasKeyId = { e2eKeyId: { $exists: true } } as const;
	let page: { _id: string; e2eKeyId?: string | null }[] = [];
	let count = 0;
	for await (const room of store.rooms.find(hasKeyId, { projection: { e2eKeyId: 1 } })) {
		await yielder();
		if (!room.e2eKeyId) continue;
		page.push(room);
		if (page.length < PAGE_SIZE) continue;
		count += await countWithoutHolder(store, page);
		page = [];
	}
	return count + (await countWithoutHolder(store, page));
}

async function countWithoutHolder(
	store: Store,
	rooms: readonly { readonly _id: string; readonly e2eKeyId?: string | null }[],
): Promise<number> {
	if (rooms.length === 0) return 0;
	const remaining = new Map(rooms.map((room) => [room._id, room]));
	const filter = { rid: { $in: [...remaining.keys()] }, E2EKey: { $exists: true } };
	const yielder = createYielder();
	for await (const membership of store.subscriptions.find(filter, {
		projection: { rid: 1, E2EKey: 1, e2eKnownKeys: 1 },
	})) {
		await yielder();
		const room = remaining.get(membership.rid);
		if (room && holdsKey(membership, room)) remaining.delete(room._id);
	}
	return remaining.size;
}

/** Counts the rooms at intervals, and keeps the last result. */
export class HolderCensus {
	/** Undefined until the first count has ended. */
	count: number | undefined;
	#running: Promise<void> | undefined;
	#nextAt = 0;

	constructor(
		private readonly store: Store,
		private readonly log: Log,
	) {}

	/** Starts a count if the last one is old. @returns a promise for the end of the running count; undefined if none runs */
	refresh(): Promise<void> | undefined {
		if (!this.#running && performance.now() >= this.#nextAt) {
			this.#running = this.#recount().finally(() => {
				this.#running = undefined;
			});
		}
		return this.#running;
	}

	async #recount(): Promise<void> {
		const startedAt = performance.now();
		try {
			this.count = await countRoomsWithoutHolder(this.store);
		} catch (err) {
			this.log.warn({ err }, 'The rooms without a holder of their key could not be counted');
		}
		const elapsed = performance.now() - startedAt;
		this.#nextAt = performance.now() + Math.max(INTERVAL_MS, elapsed / MAX_SHARE);
	}
}
