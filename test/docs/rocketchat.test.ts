/** The tables of docs/rocketchat.md say what the code adds to a database. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import ts from 'typescript';
import { OWN_FIELDS } from '../../server/shadow/compare.js';
import { indexes } from '../../shared/indexes.js';
import { collectionNames } from '../../shared/store.js';

const guide = readFileSync('docs/rocketchat.md', 'utf8');

/** The cells of each row of the table with this header. */
function rowsOf(header: string): string[][] {
	const [, table = ''] = guide.split(`${header}\n`);
	const [rows = ''] = table.split('\n\n');
	const cells = (row: string) => row.split('|').slice(1, -1);
	return rows
		.split('\n')
		.slice(1)
		.map((row) => cells(row).map((cell) => cell.trim()));
}
const namesIn = (cell = '') => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name);

describe('docs/rocketchat.md', () => {
	it('lists each index with its options', () => {
		const expected = Object.entries(indexes).flatMap(([collection, list]) =>
			list
				.filter(({ embeddedOnly }) => !embeddedOnly)
				.map(({ fields, unique, sparse, partial, expires }) => {
					const options = [unique && 'unique', partial ? 'partial' : sparse && 'sparse', expires && 'TTL'];
					return [[collection], fields, options.filter(Boolean).join(', ')];
				}),
		);
		const rows = rowsOf('| Collection | Fields of an index | |').map(([collection, fields, options]) => [
			namesIn(collection),
			namesIn(fields),
			options,
		]);
		expect(rows).to.deep.equal(expected);
	});

	it('lists the collections and the fields that only Roomkey has', () => {
		const own = Object.values(collectionNames).filter((name) => name.startsWith('roomkey_'));
		const rows = rowsOf('| Where | Name | Contents |');
		const listed = (where: string) => rows.filter(([first]) => first === where).flatMap(([, names]) => namesIn(names));
		expect(listed('collection')).to.deep.equal(own);
		for (const [key, fields] of Object.entries(OWN_FIELDS)) expect(listed(`\`${key}\``), key).to.deep.equal(fields);
	});

	it('lists every field with e2e in its name that Rocket.Chat does not have', () => {
		const rocketChatFields = ['e2e', 'e2eKeyId', 'usersWaitingForE2EKeys', 'E2EKey', 'E2ESuggestedKey'];
		// The test above shows that the page lists `OWN_FIELDS`.
		const known = [...rocketChatFields, ...Object.values(OWN_FIELDS).flat()];
		const found: string[] = [];
		for (const file of ['users', 'rooms']) {
			const text = readFileSync(`shared/documents/${file}.ts`, 'utf8');
			for (const node of ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements) {
				if (!ts.isInterfaceDeclaration(node) || !['User', 'Room', 'Subscription'].includes(node.name.text)) continue;
				for (const { name } of node.members) if (name && ts.isIdentifier(name)) found.push(name.text);
			}
		}
		expect(found).to.include.members(Object.values(OWN_FIELDS).flat());
		expect(found.filter((name) => /e2e/i.test(name) && !known.includes(name))).to.deep.equal([]);
	});
});
