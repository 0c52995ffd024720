/** docs/security.md names a test for each answer to a threat, and every method that gives somebody a token. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as accounts from '../../methods/accounts/index.js';
import { keyService } from '../../methods/index.js';

/** A row of the table: the threat, the answer, the file of the test and its title. */
const ROW = /^\| (.+) \| (.+) \| `(test\/[\w./-]+\.test\.ts)`: (.+) \|$/;

const rows = readFileSync('docs/security.md', 'utf8')
	.split('\n')
	.filter((line) => line.startsWith('| ') && !/^\| (Threat|Way) /.test(line));

describe('docs/security.md', () => {
	it('names every method that answers a token or takes a password', () => {
		const text = readFileSync('docs/security.md', 'utf8');
		const hasMember = (shape: unknown, name: RegExp) =>
			[...JSON.stringify(shape ?? null).matchAll(/"name":"(\w+)"/g)].some(([, member = '']) => name.test(member));
		const found = [...accounts.methods, ...keyService.methods].filter(
			({ args, returns }) =>
				hasMember(returns?.shape, /token/i) ||
				args.some(([name, { shape }]) => /password/i.test(name) || hasMember(shape, /password/i)),
		);
		expect(found.map(({ name }) => name)).to.include.members(['users.createToken', 'users.update', 'getNewToken']);
		expect(found.filter(({ name }) => !text.includes(`\`${name}\``)).map(({ name }) => name)).to.deep.equal([]);
	});

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
