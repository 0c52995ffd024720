import { expect } from 'chai';
import fc from 'fast-check';
import { SmallMap } from '../../server/ddp/small-map.js';

describe('a small map', () => {
	it('does what a Map does', () => {
		const key = fc.constantFrom('a', 'b', 'c');
		const act = fc.oneof(
			fc.record({ act: fc.constant('set' as const), key, value: fc.option(fc.integer(), { nil: undefined }) }),
			fc.record({ act: fc.constant('delete' as const), key }),
			fc.record({ act: fc.constant('clear' as const) }),
		);
		fc.assert(
			fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
				const small = new SmallMap<number | undefined>();
				const map = new Map<string, number | undefined>();
				for (const each of acts) {
					if (each.act === 'set') {
						small.set(each.key, each.value);
						map.set(each.key, each.value);
					} else if (each.act === 'delete') {
						expect(small.delete(each.key)).to.equal(map.delete(each.key));
					} else {
						small.clear();
						map.clear();
					}
					expect([...small]).to.deep.equal([...map]);
					expect([...small.keys()]).to.deep.equal([...map.keys()]);
					expect([...small.values()]).to.deep.equal([...map.values()]);
					expect(small.size).to.equal(map.size);
					for (const name of ['a', 'b', 'c']) {
						expect([small.has(name), small.get(name)]).to.deep.equal([map.has(name), map.get(name)]);
					}
				}
			}),
		);
	});
});
