/** The order in which the written documents of a collection are reported. */
import type { Document } from '../../shared/values.js';

/** One written document. Its states before and after the write are there if they are known; receivers must not change them. */
export interface Written {
	readonly action: 'inserted' | 'updated' | 'removed';
	readonly id: string;
	readonly before?: Document;
	readonly after?: Document;
}

/** Receives each written document after it is stored. A promise settles when the document is reported; the write waits for it. */
export type Report = (written: Written) => void | Promise<void>;

/**
 * Reports documents so that the last report of each document is its newest state. A task that writes or reads a document
 * may end after a later write of the same document was reported. Then the stored state is read and reported instead.
 */
export class OrderedReports {
	#reportCount = 0;
	/** The value of `#reportCount` at the last report of each document that was reported while a task runs. */
	readonly #lastReports = new Map<string, number>();
	#runningTasks = 0;

	/** @param read reads a stored document */
	constructor(private readonly read: (id: string) => Promise<Document | null>) {}

	/** Reports a state that is newer than all reported states of the document. */
	reportNewest(written: Written, report: Report): void {
		this.#reportCount++;
		if (this.#runningTasks > 0) this.#lastReports.set(written.id, this.#reportCount);
		report(written);
	}

	/** Runs a write whose reports may come after those of later writes. */
	async run<R>(report: Report, write: (report: Report) => Promise<R>): Promise<R> {
		const start = this.#reportCount;
		this.#runningTasks++;
		try {
			return await write((written) =>
				this.#isReportedSince(start, written.id)
					? this.reportStored(written, report)
					: this.reportNewest(written, report),
			);
		} finally {
			if (--this.#runningTasks === 0) this.#lastReports.clear();
		}
	}

	/**
	 * Reports the stored state of a document, within `run`. A document that another call has removed is not reported: that
	 * call reports it. @param written the action, and the last known state if the action is a removal
	 */
	async reportStored(written: Written, report: Report): Promise<void> {
		const start = this.#reportCount;
		const after = await this.read(written.id);
		if (this.#isReportedSince(start, written.id)) return this.reportStored(written, report);
		const isRemoval = written.action === 'removed';
		if (after) this.reportNewest({ ...written, action: isRemoval ? 'updated' : written.action, after }, report);
		else if (isRemoval) this.reportNewest(written, report);
	}

	#isReportedSince(start: number, id: string): boolean {
		return (this.#lastReports.get(id) ?? 0) > start;
	}
}
