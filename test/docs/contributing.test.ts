/** CONTRIBUTING.md, docs/adding-a-method.md and the hints of the command name files, functions and error codes that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { HINTS } from '../../server/cli/admin.js';
import { knownErrors } from '../../shared/errors.js';

const read = (file: string) => readFileSync(file, 'utf8');

function section(page: string, heading: string): string {
	const [, text] = read(page).split(`\n## ${heading}\n`);
	if (text === undefined) throw new Error(`${page} has no section '${heading}'`);
	return text.split('\n## ')[0] as string;
}

const hasExport = (file: string, name: string) =>
	new RegExp(`export [^\\n]*\\b${name}\\b`).test(existsSync(file) ? read(file) : '');

describe('the guide for contributors', () => {
	it('names only existing files and functions in the table of what several methods need', () => {
		const rows = section('docs/adding-a-method.md', 'What several methods need')
			.split('\n')
			.filter((line) => line.startsWith('| '));
		const missing: string[] = [];
		let count = 0;
		for (const row of rows) {
			// Such as: `ROOM_ARGS` and `findRoom` of `methods/model/rooms/findRoom.ts`.
			for (const [, names = '', file = ''] of row.matchAll(
				/((?:`[\w.]+`(?:, | and )?)+) of `((?:methods|shared)\/[^`]+)`/g,
			)) {
				for (const [, name = ''] of names.matchAll(/`(?:\.\.\.)?(\w+)`/g)) {
					count++;
					if (!hasExport(file, name)) missing.push(`${name} of ${file}`);
				}
			}
			for (const [, file = ''] of row.matchAll(/`((?:methods|shared|test)\/[^`]+)\.js`/g)) {
				if (!existsSync(`${file}.ts`)) missing.push(file);
			}
			for (const [, file = ''] of row.matchAll(/`((?:methods|shared|test)\/[\w./]+\.(?:ts|md))`/g)) {
				if (!existsSync(file)) missing.push(file);
			}
		}
		expect(missing).to.deep.equal([]);
		expect(count).to.be.above(25);
	});

	it('names only existing files of test/support and functions that they export', () => {
		const rows = Array.from(section('CONTRIBUTING.md', 'Write a test').matchAll(/^\| (`\w+\.ts`.*?) \| (.*) \|$/gm));
		const missing: string[] = [];
		for (const [, files = '', use = ''] of rows) {
			const paths = Array.from(files.matchAll(/`(\w+\.ts)`/g), ([, file]) => `test/support/${file}`);
			missing.push(...paths.filter((path) => !existsSync(path)));
			for (const [, name = ''] of use.matchAll(/`(\w+)`/g)) {
				if (!paths.some((path) => hasExport(path, name))) missing.push(`${name} of ${files}`);
			}
		}
		expect(missing).to.deep.equal([]);
		expect(rows.length).to.be.above(6);
	});
});

describe('the hints that the command prints for errors', () => {
	it('belong to error codes that Roomkey has', () => {
		const codes = new Set(knownErrors().map(({ error }) => error));
		expect(Object.keys(HINTS).filter((code) => !codes.has(code))).to.deep.equal([]);
	});
});
