/** `CompactSet`, which saves memory, must behave as a `Set`. */
import { expect } from 'chai';
import fc from 'fast-check';
import { addMember, type CompactSet, compactSetOf, membersOf, removeMember } from '../../server/core/compact-set.js';

describe('a CompactSet', () => {
	const things = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
	const thing = fc.constantFrom(...things);

	it('has the members that a Set has after the same operations', () => {
		const act = fc.record({ act: fc.constantFrom('add', 'delete'), thing });
		fc.assert(
			fc.property(fc.uniqueArray(thing), fc.array(act, { maxLength: 12 }), (first, acts) => {
				let compact: CompactSet<{ name: string }> = compactSetOf(first);
				const set = new Set(first);
				expect([...membersOf(compact)]).to.deep.equal([...set]);
				for (const each of acts) {
					if (each.act === 'add') {
						compact = addMember(compact, each.thing);
						set.add(each.thing);
					} else {
						compact = removeMember(compact, each.thing);
						set.delete(each.thing);
					}
					expect([...membersOf(compact)]).to.deep.equal([...set]);
				}
			}),
		);
	});
});
