/** docs/security.md names a test for each answer to a threat. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';

/** A row of the table: the threat, the answer, the file of the test and its title. */
const ROW = /^\| (.+) \| (.+) \| `(test\/[\w./-]+\.test\.ts)`: (.+) \|$/;

const rows = readFileSync('docs/security.md', 'utf8')
	.split('\n')
	.filter((line) => line.startsWith('| ') && !line.startsWith('| Threat '));

describe('docs/security.md', () => {
	it('has a table of threats', () => {
		expect(rows).to.have.length.above(30);
	});

	for (const row of rows) {
		const [, threat, , file = '', title = ''] = ROW.exec(row) ?? [];
		it(`names a test that exists: ${threat ?? row}`, () => {
			expect(row).to.match(ROW);
			const source = readFileSync(file, 'utf8');
			const quotes = ["'", '"', '`'];
			expect(
				quotes.some((quote) => source.includes(`it(${quote}${title}${quote}`)),
				`${file}: ${title}`,
			).to.equal(true);
		});
	}
});
