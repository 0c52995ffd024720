/** Names that are looked up without regard to case. */
import { expect } from 'chai';
import { Table } from '../../server/store/table.js';
import type { User } from '../../shared/documents.js';
import { eachStore } from '../support/store.js';

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

eachStore('any store: patterns that ignore case', (test) => {
	it('find the same documents as a scan of all documents', async () => {
		const { users } = test.store;
		const names = [
			'Anna',
			'aNNA.b',
			'a+b(c)',
			'Σίσυφος',
			'σίσυφοσ',
			'ΣΊΣΥΦΟΣ',
			'Straße',
			'STRASSE',
			'kelvin',
			'K',
			'x'.repeat(300),
		];
		for (const [i, username] of names.entries()) {
			await users.insertOne({
				_id: `u${i}`,
				username,
				emails: [{ address: `${username}@Example.com`, verified: false }],
			});
		}
		await users.updateOne({ username: 'kelvin' }, { $set: { username: 'Kelvin' } });
		await users.deleteOne({ username: 'K' });
		const all: User[] = await users.find({}).toArray();
		for (const name of [...names, 'ANNA', 'anna', 'KELVIN', 'nobody', 'anna.b', 'annaxb', 'X'.repeat(300)]) {
			const pattern = new RegExp(`^${escaped(name)}$`, 'i');
			const expected = all.filter(({ username = '' }) => pattern.test(username)).map(({ _id }) => _id);
			const found = await users.find({ username: pattern }).toArray();
			expect(
				found.map(({ _id }) => _id),
				name,
			).to.have.members(expected);
			const byAddress = new RegExp(`^${escaped(`${name}@example.COM`)}$`, 'i');
			expect(
				(await users.find({ 'emails.address': byAddress }).toArray()).map(({ _id }) => _id),
				name,
			).to.have.members(
				all.filter(({ emails = [] }) => byAddress.test(emails[0]?.address ?? '')).map(({ _id }) => _id),
			);
		}
	});
});

describe('an index that ignores case', () => {
	it('is used instead of a scan of all documents', () => {
		const stored = new Map<string, { _id: string }>();
		const table = new Table(
			'users',
			{
				ordered: false,
				returnsCopies: false,
				get: (id) => stored.get(id),
				put: (document) => void stored.set(document._id, document),
				remove() {},
				scan: () => {
					throw new Error('All documents are scanned');
				},
			},
			[{ fields: ['username'], unique: false, sparse: true, ignoreCase: true }],
			() => {
				const entries = new Map<string, Set<string>>();
				return {
					ids: (key) => entries.get(key) ?? [],
					count: (key) => entries.get(key)?.size ?? 0,
					between: () => [],
					add: (key, id) => void entries.set(key, (entries.get(key) ?? new Set()).add(id)),
					remove: (key, id) => void entries.get(key)?.delete(id),
				};
			},
		);
		table.put({ _id: 'a', username: 'Anna.B' });
		const candidates = (pattern: RegExp) =>
			[...table.candidates({ username: pattern }).documents].map(({ _id }) => _id);
		expect(candidates(/^ANNA\.b$/i)).to.deep.equal(['a']);
		expect(candidates(/^bert$/i)).to.deep.equal([]);
		for (const other of [/^anna/i, /^anna.b$/i, /^anna\.b$/, /^anna\.b$|x/i, /^\w$/i]) {
			expect(() => candidates(other)).to.throw('All documents are scanned');
		}
	});
});
