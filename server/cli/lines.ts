/** Reads the lines of a text file. `node:readline` is not used: it fails on a line that is longer than a string may be. */

/** A line of a file. */
export interface Line {
	/** Undefined if the line is longer than `MAX_LINE_LENGTH`. */
	readonly text: string | undefined;
	/** Counted from 1. */
	readonly number: number;
}

/** Maximum length of a line, in characters. A document of MongoDB has at most 16 MiB; as JSON it can be longer. */
export const MAX_LINE_LENGTH = 64 * 1024 * 1024;

/** Splits a text into lines at each line feed. Leaves out a byte order mark at the beginning. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
	let number = 0;
	/** The parts of the present line. Empty if the line is too long. */
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

/** Removes the mark with which some editors and shells begin a UTF-8 file. JSON does not allow it. */
export function withoutByteOrderMark(text: string): string {
	return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
