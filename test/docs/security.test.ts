/** docs/security.md names every method that returns a token or takes a password, and tests that exist. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as accounts from '../../methods/accounts/index.js';
import { keyService } from '../../methods/index.js';

/** A row of a table: a threat or a way to become another user, the answer or limits, and the test as `file`: title. */
const ROW = /^\| (.+) \| (.+) \| `(test\/[\w./-]+\.test\.ts)`: (.+) \|$/;

const rows = readFileSync('docs/security.md', 'utf8')
	.split('\n')
	.filter((line) => line.startsWith('| ') && !/^\| (Threat|Way) /.test(line));

describe('docs/security.md', () => {
	it('names every method that returns a token or takes a password', () => {
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

	it('has tables of threats and of ways to become another user', () => {
		expect(rows).to.have.length.above(30);
	});

	for (const row of rows) {
		const [, subject, , file = '', title = ''] = ROW.exec(row) ?? [];
		it(`names a test that exists: ${subject ?? row}`, () => {
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
