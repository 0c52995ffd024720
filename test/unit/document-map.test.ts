/** `DocumentMap`, which saves memory for a single entry, must behave as a Map of Maps. */
import { expect } from 'chai';
import fc from 'fast-check';
import { DocumentMap } from '../../server/ddp/publications/document-map.js';

describe('a DocumentMap', () => {
	it('has the entries that a Map of Maps has after the same operations', () => {
		const collection = fc.constantFrom('a', 'b');
		const key = fc.constantFrom('1', '2');
		const act = fc.oneof(
			fc.record({ act: fc.constant('set' as const), collection, key, value: fc.integer() }),
			fc.record({ act: fc.constant('delete' as const), collection, key }),
		);
		fc.assert(
			fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
				const documents = new DocumentMap<number>();
				const model = new Map<string, Map<string, number>>();
				for (const each of acts) {
					const entries = model.get(each.collection) ?? new Map<string, number>();
					if (each.act === 'set') {
						documents.set(each.collection, each.key, each.value);
						model.set(each.collection, entries.set(each.key, each.value));
					} else {
						documents.delete(each.collection, each.key);
						if (entries.delete(each.key) && entries.size === 0) model.delete(each.collection);
					}
					expect([...documents.collections()]).to.deep.equal([...model.keys()]);
					for (const name of ['a', 'b']) {
						expect([...documents.entriesOf(name)]).to.deep.equal([...(model.get(name) ?? [])]);
						for (const id of ['1', '2']) expect(documents.get(name, id)).to.equal(model.get(name)?.get(id));
					}
				}
			}),
		);
	});
});
