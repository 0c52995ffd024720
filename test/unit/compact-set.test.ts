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
				let few: CompactSet<{ name: string }> = compactSetOf(first);
				const set = new Set(first);
				expect([...membersOf(few)]).to.deep.equal([...set]);
				for (const each of acts) {
					if (each.act === 'add') {
						few = addMember(few, each.thing);
						set.add(each.thing);
					} else {
						few = removeMember(few, each.thing);
						set.delete(each.thing);
					}
					expect([...membersOf(few)]).to.deep.equal([...set]);
				}
			}),
		);
	});
});
