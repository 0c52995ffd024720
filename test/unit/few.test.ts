import { expect } from 'chai';
import fc from 'fast-check';
import { type Few, fewOf, membersOf, withMember, withoutMember } from '../../server/core/compact-set.js';

describe('few', () => {
	const things = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
	const thing = fc.constantFrom(...things);

	it('are what a Set of them is', () => {
		const act = fc.record({ act: fc.constantFrom('add', 'delete'), thing });
		fc.assert(
			fc.property(fc.uniqueArray(thing), fc.array(act, { maxLength: 12 }), (first, acts) => {
				let few: Few<{ name: string }> = fewOf(first);
				const set = new Set(first);
				expect([...membersOf(few)]).to.deep.equal([...set]);
				for (const each of acts) {
					if (each.act === 'add') {
						few = withMember(few, each.thing);
						set.add(each.thing);
					} else {
						few = withoutMember(few, each.thing);
						set.delete(each.thing);
					}
					expect([...membersOf(few)]).to.deep.equal([...set]);
				}
			}),
		);
	});
});
