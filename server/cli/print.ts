/** What commands print: for people, or as JSON for programs. */
import type { Admin } from './admin.js';
import type { Flags, Input, Io } from './command.js';
import { formatTable } from './table.js';

export const JSON_FLAG = { json: { meaning: 'print JSON, for programs' } } as const satisfies Flags;

export const LIST_FLAGS = {
	limit: { placeholder: 'N', meaning: 'at most so many entries; 100 unless given' },
	offset: { placeholder: 'N', meaning: 'leave out so many entries at the beginning' },
	...JSON_FLAG,
} as const satisfies Flags;

/** Prints a result as JSON if the flag says so, else as `forPeople` does. */
export function printResult(input: Input, io: Io, result: object, forPeople: () => void): void {
	if (input.isOn('json')) io.line(JSON.stringify(result, null, 2));
	else forPeople();
}

/** A method that answers a page of a list. */
interface List<T> {
	readonly method: string;
	readonly args?: Readonly<Record<string, unknown>>;
	/** The name of the list in the answer. */
	readonly key: string;
	readonly titles: readonly string[];
	row(entry: T): readonly unknown[];
}

/** Maximum number of entries that a method answers at once. */
const PAGE = 100;

const DEFAULT_LIMIT = 100;

/** Reads a list in pages, and prints it. */
export async function printList<T>(admin: Admin, input: Input, io: Io, list: List<T>): Promise<void> {
	const { method, args, key, titles, row } = list;
	const limit = input.count('limit') ?? DEFAULT_LIMIT;
	const offset = input.count('offset') ?? 0;
	const entries: T[] = [];
	let total = 0;
	do {
		// A count of 0 would mean the default.
		const count = Math.max(1, Math.min(PAGE, limit - entries.length));
		const page = await admin.call<Record<string, unknown>>(method, { ...args, count, offset: offset + entries.length });
		const found = page[key] as T[];
		total = page.total as number;
		entries.push(...found.slice(0, limit - entries.length));
		if (found.length === 0) break;
	} while (entries.length < Math.min(limit, total - offset));
	printResult(input, io, { [key]: entries, count: entries.length, offset, total }, () => {
		if (entries.length > 0) io.line(formatTable(titles, entries.map(row)));
		const next = offset + entries.length;
		if (entries.length < total)
			io.note(`${entries.length} of ${total}${next < total ? `; more with --offset ${next}` : ''}`);
		else if (total === 0) io.note(`No ${key}`);
	});
}
