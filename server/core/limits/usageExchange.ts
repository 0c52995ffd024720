/**
 * Exchanges counts of calls between the processes of a service, so that a limit applies to the total of all processes.
 *
 * Each process counts in memory. Once a second it writes its new counts as documents, called reports. Then it adds the
 * reports of the others to its own counts. Calls never wait for the store.
 */

import { SILENT } from '../../../methods/model/sharedState.js';
import { batchesOf } from '../../../shared/batches.js';
import type { SharedState } from '../../../shared/documents.js';
import { randomId } from '../../../shared/ids.js';
import type { Limit } from '../../../shared/limit.js';
import type { Log } from '../../../shared/log.js';
import type { Collection, Store } from '../../../shared/store.js';
import { repeat } from '../repeat.js';
import { createCounter, type MemoryCounter, type RateCounter } from './counters.js';

const INTERVAL_MS = 1000;

/** Maximum number of counts in one report. */
const MAX_COUNTS = 2000;

/** Maximum number of reports that one exchange writes. Further counts wait for the next exchange. */
const MAX_REPORTS = 20;

/** If more counts wait, calls of further keys count in this process only. */
const MAX_PENDING = 100_000;

/** In characters. A longer key counts in this process only. */
const MAX_KEY_LENGTH = 1000;

/** How far before the last exchange reports are looked for, in ms: writes and clocks may be late. */
const OVERLAP_MS = 10_000;

const REPORTS_PER_QUERY = 50;

/** Greater than the ids of all reports. */
const END_OF_REPORTS = 'usage~';

/** Calls of one key since the last exchange, and the end of the key's window in epoch ms. An array, to be short as JSON. */
type Count = [counter: string, key: string, calls: number, end: number];

/** Index of the number of calls in a `Count`. */
const CALLS = 2;

const endOf = ([, , , end]: Count) => end;

/** Number of digits of every time in an id, so that ids sort by time. */
const TIME_DIGITS = 13;

/** The beginning of the ids of reports that were written at a time. A whole id is `usage <time> <process> <number>`. */
const idAt = (time: number) => `usage ${String(Math.max(0, time)).padStart(TIME_DIGITS, '0')}`;

export class UsageExchange {
	readonly #state: Collection<SharedState>;
	readonly #process = randomId();
	readonly #counters = new Map<string, MemoryCounter>();
	/** Counts that wait to be written, by counter and key. */
	#pending = new Map<string, Count>();
	/** Number of the next report of this process: two reports may be written in one ms. */
	#reportNumber = 0;
	#readAt = 0;
	/** Ids of the reports that the last read has found. */
	#seen = new Set<string>();

	constructor(
		{ sharedState }: Pick<Store, 'sharedState'>,
		private readonly log: Log,
	) {
		this.#state = sharedState;
	}

	/** Makes a counter that exchanges its counts with those of the same name in other processes. */
	counter(name: string, limit: Limit): RateCounter {
		const counter = createCounter(limit);
		this.#counters.set(name, counter);
		return {
			count: async (key) => {
				const result = await counter.count(key);
				this.#addToPending(name, key, Date.now() + result.timeToReset);
				return result;
			},
		};
	}

	/** @param end the end of the key's window, in epoch ms */
	#addToPending(name: string, key: string, end: number): void {
		const id = `${name}\n${key}`;
		const count = this.#pending.get(id);
		if (count) {
			const isOver = endOf(count) <= Date.now();
			if (isOver) this.#pending.set(id, [name, key, 1, end]);
			else count[CALLS]++;
		} else if (this.#pending.size < MAX_PENDING && key.length <= MAX_KEY_LENGTH) {
			this.#pending.set(id, [name, key, 1, end]);
		}
	}

	/** @returns a function that stops the exchange; its promise resolves when no exchange runs any more */
	start(): () => Promise<void> {
		return repeat(
			() => this.exchange(),
			INTERVAL_MS,
			(err) => this.log.warn({ err }, 'Counts of calls could not be exchanged with other processes'),
		);
	}

	/** Writes the counts of this process, and adds those that other processes have written. */
	async exchange(): Promise<void> {
		for (let i = 0; i < MAX_REPORTS && this.#pending.size > 0; i++) await this.#write();
		await this.#read();
	}

	async #write(): Promise<void> {
		const now = Date.now();
		const counts: [id: string, count: Count][] = [];
		for (const entry of this.#pending) {
			counts.push(entry);
			this.#pending.delete(entry[0]);
			if (counts.length === MAX_COUNTS) break;
		}
		const current = counts.map(([, count]) => count).filter((count) => endOf(count) > now);
		if (current.length === 0) return;
		const until = new Date(Math.max(...current.map(endOf)));
		const _id = `${idAt(now)} ${this.#process} ${this.#reportNumber++}`;
		try {
			await this.#state.insertOne({ _id, counts: JSON.stringify(current), until }, SILENT);
		} catch (error) {
			for (const [id, count] of counts) {
				// Calls of a window that is over are not added to the count of the next window.
				if (endOf(count) <= Date.now()) continue;
				const newer = this.#pending.get(id);
				if (newer) newer[CALLS] += count[CALLS];
				else this.#pending.set(id, count);
			}
			throw error;
		}
	}

	async #read(): Promise<void> {
		const now = Date.now();
		const recentReports = { _id: { $gt: idAt(this.#readAt - OVERLAP_MS), $lt: END_OF_REPORTS } };
		const found = await this.#state.find(recentReports, { projection: { _id: 1 } }).toArray();
		const ids = found.map(({ _id }) => _id);
		const isOwn = (id: string) => id.split(' ')[2] === this.#process;
		const unread = ids.filter((id) => !this.#seen.has(id) && !isOwn(id));
		for (const batch of batchesOf(unread, REPORTS_PER_QUERY)) {
			for (const { counts } of await this.#state.find({ _id: { $in: batch } }).toArray()) await this.#add(counts);
			for (const id of batch) this.#seen.add(id);
		}
		this.#seen = new Set(ids);
		this.#readAt = now;
	}

	/** Ignores windows that are over, and counters that this process does not have. */
	async #add(counts: unknown): Promise<void> {
		for (const [name, key, calls, end] of countsIn(counts)) await this.#counters.get(name)?.add(key, calls, end);
	}
}

/** Malformed counts are left out. */
function countsIn(text: unknown): Count[] {
	try {
		const counts: unknown = JSON.parse(String(text));
		return Array.isArray(counts) ? counts.filter(isCount) : [];
	} catch {
		return [];
	}
}

function isCount(value: unknown): value is Count {
	if (!Array.isArray(value)) return false;
	const [name, key, calls, end] = value;
	return (
		typeof name === 'string' && typeof key === 'string' && Number.isInteger(calls) && calls > 0 && Number.isFinite(end)
	);
}
