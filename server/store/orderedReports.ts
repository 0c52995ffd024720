/** The order in which the written documents of a collection are reported. */
import type { Document } from '../../shared/values.js';

/** One written document, with its states before and after the write as far as known. Receivers must not change these. */
export interface Written {
	readonly action: 'inserted' | 'updated' | 'removed';
	readonly id: string;
	readonly before?: Document;
	readonly after?: Document;
}

/** Announces a written document to the listeners of the store. */
export type AnnounceWritten = (written: Written) => void;

/** Receives each document that a backend has written or removed. If it returns a promise, the backend waits for it. */
export type Report = (written: Written) => void | Promise<void>;

/**
 * Announces documents so that the last announcement of each document has its newest state. The state that a task of `run`
 * reports may be old if another task has reported the document meanwhile. Then the stored state is announced instead.
 */
export class OrderedReports {
	#reportCount = 0;
	/** `#reportCount` at the last report of each document, in order, since the oldest running task began. */
	readonly #lastReports = new Map<string, number>();
	/** The running tasks in the order of their starts, each with `#reportCount` at its start. */
	readonly #runningTasks = new Set<{ readonly start: number }>();

	/** @param read reads a stored document */
	constructor(private readonly read: (id: string) => Promise<Document | null>) {}

	/** Reports a state that is newer than all reported states of the document. */
	reportNewest(written: Written, announce: AnnounceWritten): void {
		this.#reportCount++;
		if (this.#runningTasks.size > 0) {
			this.#lastReports.delete(written.id);
			this.#lastReports.set(written.id, this.#reportCount);
		}
		announce(written);
	}

	/** Runs a task whose reports may come after those of later writes. */
	async run<R>(announce: AnnounceWritten, task: (report: Report) => Promise<R>): Promise<R> {
		const running = { start: this.#reportCount };
		this.#runningTasks.add(running);
		try {
			return await task((written) =>
				this.#isReportedSince(running.start, written.id)
					? this.reportStored(written, announce)
					: this.reportNewest(written, announce),
			);
		} finally {
			this.#runningTasks.delete(running);
			const [oldest] = this.#runningTasks;
			for (const [id, count] of this.#lastReports) {
				if (oldest && count > oldest.start) break;
				this.#lastReports.delete(id);
			}
		}
	}

	/**
	 * Reports the stored state of a document. Call it within `run`. If another write has removed the document, reports nothing:
	 * that write reports the removal.
	 * @param written `before` is only needed for a removal
	 */
	async reportStored(written: Written, announce: AnnounceWritten): Promise<void> {
		const start = this.#reportCount;
		const after = await this.read(written.id);
		if (this.#isReportedSince(start, written.id)) return this.reportStored(written, announce);
		const isRemoval = written.action === 'removed';
		if (after) this.reportNewest({ ...written, action: isRemoval ? 'updated' : written.action, after }, announce);
		else if (isRemoval) this.reportNewest(written, announce);
	}

	#isReportedSince(start: number, id: string): boolean {
		return (this.#lastReports.get(id) ?? 0) > start;
	}
}
