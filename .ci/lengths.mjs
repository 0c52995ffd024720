/**
 * Finds long sentences in comments, and long titles of tests. Run by `npm run lint`. Tables, lists, and tags such as
 * `@throws` may be longer.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** In words. */
const MAX_SENTENCE = 28;
const MAX_TITLE = 18;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.mjs'], {
	encoding: 'utf8',
})
	.split('\n')
	.filter(Boolean);

const wordsOf = (text) => text.split(/\s+/).filter(Boolean);

let found = 0;

function check(place, text, max, what) {
	const { length } = wordsOf(text);
	if (length <= max) return;
	console.error(`${place}: this ${what} has ${length} words; at most ${max} are allowed: ${text}`);
	found++;
}

/** The comments of a file, as blocks of lines that follow each other. */
function* commentsOf(text) {
	let lines = [];
	let first = 0;
	for (const [i, line] of [...text.split('\n'), ''].entries()) {
		const content = /^\s*(?:\/\/|\/\*\*?|\*\/?)\s?(.*?)(?:\*\/)?$/.exec(line)?.[1];
		if (content !== undefined) {
			if (lines.length === 0) first = i + 1;
			lines.push(content.trim());
		} else if (lines.length > 0) {
			yield { line: first, lines };
			lines = [];
		}
	}
}

function checkComment(file, { line, lines }) {
	const firstTag = lines.findIndex((text) => text.startsWith('@'));
	const untagged = firstTag < 0 ? lines : lines.slice(0, firstTag);
	const prose = untagged.map((text) => (/^[|-]/.test(text) ? '.' : text)).join(' ');
	for (const sentence of prose.split(/(?<=[.?!:])\s+/)) check(`${file}:${line}`, sentence, MAX_SENTENCE, 'sentence');
}

for (const file of files) {
	const text = readFileSync(file, 'utf8');
	for (const comment of commentsOf(text)) checkComment(file, comment);
	for (const { index, 2: title } of text.matchAll(/\b(?:it|describe)\((['"`])(.*?)\1,/g)) {
		const line = text.slice(0, index).split('\n').length;
		check(`${file}:${line}`, title.replace(/\$\{[^}]*\}/g, 'x'), MAX_TITLE, 'title');
	}
}
if (found > 0) process.exitCode = 1;
