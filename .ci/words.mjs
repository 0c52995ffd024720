/**
 * Finds words that this project does not use, and names the term of the field to use instead. Run by `npm run lint`. The
 * list is `words.json`: `names` are identifiers, compared as a whole; `prefixes` begin identifiers; `titles` are patterns
 * of test titles; `phrases` are looked for in the whole text, comments and prose included.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const { names, prefixes, titles, phrases } = JSON.parse(readFileSync(new URL('words.json', import.meta.url), 'utf8'));
const termOf = new Map(Object.entries(names));
const prefixPatterns = Object.entries(prefixes).map(([prefix, term]) => [new RegExp(`^${prefix}`), term]);
const titlePatterns = Object.entries(titles).map(([pattern, term]) => [new RegExp(pattern), term]);
const phrasePatterns = Object.entries(phrases).map(([phrase, term]) => [
	new RegExp(`\\b${phrase}\\b`, 'gi'),
	phrase,
	term,
]);

/** Not checked: `test/contract`, which quotes Meteor and Rocket.Chat, and the list of words itself. */
const EXEMPT = /^(test\/contract|\.ci)\//;

const files = execFileSync(
	'git',
	['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.mjs', '*.md', 'package.json'],
	{ encoding: 'utf8' },
)
	.split('\n')
	.filter((file) => file !== '' && !EXEMPT.test(file));

let found = 0;

function report(file, text, position, word, term) {
	const line = text.slice(0, position).split('\n').length;
	console.error(`${file}:${line}: "${word}" is not used here; use ${term}`);
	found++;
}

function checkNames(file, text) {
	const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
	const visit = (node) => {
		if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
			const name = node.text.replace(/^#/, '');
			const term = termOf.get(name) ?? prefixPatterns.find(([pattern]) => pattern.test(name))?.[1];
			if (term) report(file, text, node.getStart(source), name, term);
		}
		if (ts.isCallExpression(node)) checkTitle(node);
		ts.forEachChild(node, visit);
	};
	const checkTitle = ({ expression, arguments: [title] }) => {
		if (!/^(it|describe)\b/.test(expression.getText(source)) || !title || !ts.isStringLiteralLike(title)) return;
		const term = titlePatterns.find(([pattern]) => pattern.test(title.text))?.[1];
		if (term) report(file, text, title.getStart(source), title.text, term);
	};
	visit(source);
}

for (const file of files) {
	const text = readFileSync(file, 'utf8');
	if (/\.(ts|mjs)$/.test(file)) checkNames(file, text);
	for (const [pattern, phrase, term] of phrasePatterns) {
		for (const { index } of text.matchAll(pattern)) report(file, text, index, phrase, term);
	}
}
if (found > 0) process.exitCode = 1;
