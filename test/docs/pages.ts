/** The code blocks of the README and of docs/. */
import { readFileSync } from 'node:fs';
import { pages } from '../../docs/generate.js';

export interface Block {
	readonly page: string;
	/** What stands behind the three backticks, such as `sh` or `ts test/docs/describeRoom.ts`. */
	readonly info: string;
	readonly code: string;
}

/** Pages whose blocks are left out: test/unit/e2e-clients.test.ts reads them itself. */
const LEFT_OUT = ['docs/e2e.md'];

export const blocks: readonly Block[] = pages
	.filter((page) => !LEFT_OUT.includes(page))
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

/**
 * Finds the block of a page whose code begins with a text, or else contains the text.
 * @returns the code of the block
 * @throws Error if not exactly one block is found
 */
export function blockWith(page: string, text: string): string {
	const ofPage = blocks.filter((block) => block.page === page);
	const beginning = ofPage.filter(({ code }) => code.startsWith(text));
	const found = beginning.length > 0 ? beginning : ofPage.filter(({ code }) => code.includes(text));
	if (found.length !== 1) throw new Error(`${page} has ${found.length} code blocks with '${text}'`);
	return (found[0] as Block).code;
}
