/** README and docs/ are up to date, and their links lead somewhere. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { generate, pages } from '../../docs/generate.js';
import { blocks } from './pages.js';

const read = (page: string) => readFileSync(page, 'utf8');

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): string[] {
	const used = new Map<string, number>();
	return Array.from(read(page).matchAll(/^#+ (.*)$/gm), ([, title = '']) => {
		const anchor = title
			.toLowerCase()
			.replace(/[^\p{L}\p{N}\s_-]/gu, '')
			.replace(/ /g, '-');
		const count = used.get(anchor) ?? 0;
		used.set(anchor, count + 1);
		return count === 0 ? anchor : `${anchor}-${count}`;
	});
}

describe('the documentation', () => {
	for (const page of pages) {
		it(`has in ${page} what 'npm run docs' writes there`, () => {
			expect(read(page) === generate(page, read(page)), `${page} is stale: run 'npm run docs'`).to.equal(true);
		});
	}

	for (const page of [...pages, 'SECURITY.md', 'CONTRIBUTING.md']) {
		it(`has no link in ${page} that leads nowhere`, () => {
			const links = Array.from(read(page).matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
			const dead = links.filter((link) => {
				if (/^https?:/.test(link)) return false;
				const [file = '', anchor] = link.split('#');
				const target = file === '' ? page : path.join(path.dirname(page), file);
				if (!existsSync(target)) return true;
				return anchor !== undefined && !anchorsOf(target).includes(anchor);
			});
			expect(dead).to.deep.equal([]);
		});
	}

	it('names in docs/architecture.md only files that exist', () => {
		const named = Array.from(read('docs/architecture.md').matchAll(/`((?:server|methods|shared)\/[\w./-]+\.ts)`/g));
		expect(named).to.have.length.greaterThan(15);
		expect(named.map(([, file = '']) => file).filter((file) => !existsSync(file))).to.deep.equal([]);
	});

	it('has a README of less than 200 lines', () => {
		expect(read('README.md').split('\n').length).to.be.below(200);
	});

	it('describes Roomkey in the README with the words of package.json', () => {
		const { description } = JSON.parse(read('package.json'));
		expect(read('README.md')).to.match(/^# Roomkey\n\n/);
		expect(read('README.md').split('\n\n')[1]).to.equal(`${description}.`);
	});

	it('links to every page of docs/ from the README', () => {
		const missing = pages.filter((page) => page !== 'README.md' && !read('README.md').includes(`](${page})`));
		expect(missing).to.deep.equal([]);
	});

	it('shows TypeScript only from files in test/docs/', () => {
		const typescript = blocks.filter(({ info }) => info.startsWith('ts'));
		expect(typescript).to.have.lengthOf.above(0);
		for (const { info } of typescript) expect(info).to.match(/^ts test\/docs\/(building\/)?\w+(\.test|\.check)?\.ts$/);
	});
});
