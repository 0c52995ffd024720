/** What commands print: for people, or as JSON for programs. */
import type { Admin } from './admin.js';
import type { Input, Io } from './command.js';
import { formatTable } from './table.js';

export function printResult(input: Input, io: Io, result: object, printForPeople: () => void): void {
	if (input.isOn('json')) io.line(JSON.stringify(result, null, 2));
	else printForPeople();
}

/** A method that answers a page of a list, and the table that shows it. */
interface PagedList<T> {
	readonly method: string;
	readonly args?: Readonly<Record<string, unknown>>;
	/** The name of the list in the answer. */
	readonly key: string;
	readonly titles: readonly string[];
	row(entry: T): readonly unknown[];
}

/** Maximum number of entries that a method returns in one answer. */
const PAGE_SIZE = 100;

const DEFAULT_LIMIT = 100;

export async function printList<T>(admin: Admin, input: Input, io: Io, list: PagedList<T>): Promise<void> {
	const { method, args, key, titles, row } = list;
	const limit = input.wholeNumber('limit') ?? DEFAULT_LIMIT;
	const offset = input.wholeNumber('offset') ?? 0;
	const entries: T[] = [];
	let total = 0;
	do {
		// A count of 0 would mean the default count of the method.
		const count = Math.max(1, Math.min(PAGE_SIZE, limit - entries.length));
		const page = await admin.call<Record<string, unknown>>(method, { ...args, count, offset: offset + entries.length });
		const pageEntries = page[key] as T[];
		total = page.total as number;
		entries.push(...pageEntries.slice(0, limit - entries.length));
		if (pageEntries.length === 0) break;
	} while (entries.length < Math.min(limit, total - offset));
	printResult(input, io, { [key]: entries, count: entries.length, offset, total }, () => {
		if (entries.length > 0) io.line(formatTable(titles, entries.map(row)));
		const next = offset + entries.length;
		const hint = next < total ? `; more with --offset ${next}` : '';
		if (entries.length < total) io.note(`${entries.length} of ${total}${hint}`);
		else if (total === 0) io.note(`No ${key}`);
	});
}
