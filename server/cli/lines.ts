/** Reads the lines of a text file. `node:readline` fails on a line that is longer than a string may be. */

export interface Line {
	/** Undefined if the line is longer than `MAX_LINE_LENGTH`. */
	readonly text: string | undefined;
	/** Counted from 1. */
	readonly number: number;
}

/** In characters. A document of MongoDB has at most 16 MiB, but can be longer as JSON. */
export const MAX_LINE_LENGTH = 64 * 1024 * 1024;

/** Splits a text at line feeds. Leaves out a byte order mark at the beginning. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
	let number = 0;
	/** The parts of the present line. Empty if it is too long. */
	let parts: string[] = [];
	let length = 0;
	const add = (part: string) => {
		length += part.length;
		if (length <= MAX_LINE_LENGTH) parts.push(part);
		else parts = [];
	};
	const endLine = (): Line => {
		const text = length <= MAX_LINE_LENGTH ? parts.join('') : undefined;
		parts = [];
		length = 0;
		number++;
		return { text: number === 1 ? text && withoutByteOrderMark(text) : text, number };
	};
	for await (const chunk of chunks) {
		const pieces = chunk.split('\n');
		const rest = pieces.pop() as string;
		for (const piece of pieces) {
			add(piece);
			yield endLine();
		}
		add(rest);
	}
	if (length > 0) yield endLine();
}

/** Some editors begin a UTF-8 file with this mark, which JSON does not allow. */
export function withoutByteOrderMark(text: string): string {
	return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
