/** The index of live queries finds exactly the live queries that match a document. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type Document, ObservedQuery } from '../../server/ddp/publications/observed-query.js';
import { QueryIndex } from '../../server/ddp/publications/query-index.js';
import { LiveQuery } from '../../shared/publication.js';

const text = fc.constantFrom('a', 'b', 'c');
const number = fc.constantFrom(-1, 0, 1, Number.NaN, Number.POSITIVE_INFINITY);
const date = fc.constantFrom(0, 1, 2).map((time) => new Date(time));
const bound = fc.oneof(fc.constantFrom(-1, 0, 1), date);

const strings = fc.oneof(
	text,
	text.map(($eq) => ({ $eq })),
	fc.array(text, { minLength: 1, maxLength: 3 }).map(($in) => ({ $in })),
);
const range = fc
	.record({ $gt: bound, $gte: bound, $lt: bound, $lte: bound }, { requiredKeys: [] })
	.filter((bounds) => Object.keys(bounds).length > 0);
const condition = fc.oneof(strings, range, fc.constant({ $exists: true }), fc.constant({ $ne: 'a' }));
const filter = fc.oneof(
	fc.record({ _id: strings, 'sub.x': condition, x: condition, y: condition }, { requiredKeys: [] }),
	fc.record({ $or: fc.array(fc.record({ x: condition }), { minLength: 1, maxLength: 2 }) }),
);

const scalar = fc.oneof(text, number, date, fc.constant(null), fc.constant(true));
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }));
const sub = fc.oneof(
	fc.record({ x: value }, { requiredKeys: [] }),
	fc.array(fc.record({ x: value }, { requiredKeys: [] }), { maxLength: 2 }),
);
const document = fc.record({ _id: text, x: value, y: value, sub }, { requiredKeys: ['_id'] }) as fc.Arbitrary<Document>;

describe('the index of live queries', () => {
	it('finds the queries that match a document, and no others', () => {
		fc.assert(
			fc.property(fc.array(filter, { maxLength: 8 }), fc.array(document, { maxLength: 4 }), (filters, documents) => {
				const index = new QueryIndex();
				const queries = filters.map(
					(one, i) => new ObservedQuery(`${i}`, new LiveQuery('rooms', one as never, { x: 1 })),
				);
				for (const query of queries) index.add(query);
				const found = (one: Document) => [...new Set(index.matching(one))].map(({ key }) => key).sort();
				const expected = (one: Document) => queries.filter(({ matches }) => matches(one)).map(({ key }) => key);
				for (const one of documents) expect(found(one)).to.deep.equal(expected(one).sort());
				for (const query of queries.splice(0, 2)) index.delete(query);
				for (const one of documents) expect(found(one)).to.deep.equal(expected(one).sort());
				for (const query of queries) index.delete(query);
				for (const one of documents) expect(found(one)).to.deep.equal([]);
			}),
			{ numRuns: 500 },
		);
	});
});
