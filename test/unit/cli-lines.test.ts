/** The lines of a file that is imported. */
import { expect } from 'chai';
import { type Line, MAX_LINE_LENGTH, splitLines } from '../../server/cli/lines.js';

async function linesOf(chunks: Iterable<string>): Promise<Line[]> {
	async function* each() {
		yield* chunks;
	}
	const lines: Line[] = [];
	for await (const line of splitLines(each())) lines.push(line);
	return lines;
}

describe('the lines of a file', () => {
	it('do not depend on how the file is split into chunks', async () => {
		const text = '\uFEFFa\n\nb\r\nc\u2028\uFEFFd\re';
		const expected = ['a', '', 'b\r', 'c\u2028\uFEFFd\re'].map((line, i) => ({ text: line, number: i + 1 }));
		for (const chunks of [[text], [...text], ['', text, '']]) expect(await linesOf(chunks)).to.deep.equal(expected);
		expect(await linesOf([`${text}\n`])).to.deep.equal(expected);
		expect(await linesOf([])).to.deep.equal([]);
	});

	it('have no text if they are longer than a string can be', async () => {
		const part = 'x'.repeat(1024 * 1024);
		function* chunks() {
			yield 'first\n';
			for (let i = 0; i < 600; i++) yield part;
			yield '\nlast';
		}
		expect(600 * part.length).to.be.greaterThan(MAX_LINE_LENGTH);
		expect(await linesOf(chunks())).to.deep.equal([
			{ text: 'first', number: 1 },
			{ text: undefined, number: 2 },
			{ text: 'last', number: 3 },
		]);
	});
});
