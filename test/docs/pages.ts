/** The code blocks of the README and of docs/. */
import { readFileSync } from 'node:fs';
import { pages } from '../../docs/generate.js';

export interface Block {
	readonly page: string;
	/** What stands behind the three backticks, such as `sh` or `ts test/docs/describeRoom.ts`. */
	readonly info: string;
	readonly code: string;
}

/** Pages whose samples have a test of their own. */
const ELSEWHERE = ['docs/e2e.md'];

export const blocks: readonly Block[] = pages
	.filter((page) => !ELSEWHERE.includes(page))
	.flatMap((page) =>
		// A block in a list is indented.
		Array.from(
			readFileSync(page, 'utf8').matchAll(/^( *)```(.*)\n([\s\S]*?)^\1```$/gm),
			([, indent = '', info = '', code = '']) => ({
				page,
				info,
				code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
			}),
		),
	);

/** The block of a page that begins with a text; else the one that contains it. */
export function blockWith(page: string, text: string): string {
	const ofPage = blocks.filter((block) => block.page === page);
	const beginning = ofPage.filter(({ code }) => code.startsWith(text));
	const found = beginning.length > 0 ? beginning : ofPage.filter(({ code }) => code.includes(text));
	if (found.length !== 1) throw new Error(`${page} has ${found.length} code blocks with '${text}'`);
	return (found[0] as Block).code;
}
