/** A cache whose entries expire, with a maximum number of entries and a maximum total size. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ExpiringCache } from '../../shared/expiringCache.js';

describe('a cache whose entries expire', () => {
	it('removes expired entries by itself', async () => {
		const cache = new ExpiringCache<number>({ ttl: 1, max: 10 });
		cache.set('a', 1);
		cache.set('b', 2, { ttl: 6 });
		expect(cache.size).to.equal(2);
		while (cache.size > 0) await new Promise(setImmediate);
		expect(cache.get('a')).to.equal(undefined);
		cache.set('c', 3);
		while (cache.size > 0) await new Promise(setImmediate);
	});

	it('never exceeds its maximum size; an entry larger than the maximum evicts nothing', () => {
		const size = fc.integer({ min: 1, max: 6 });
		const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), size });
		fc.assert(
			fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
				const cache = new ExpiringCache<number>({ ttl: 5, max: 100, maxSize: 5, now: () => 0 });
				let model: { key: string; size: number }[] = [];
				for (const each of steps) {
					cache.set(each.key, each.size, { size: each.size });
					model = model.filter(({ key }) => key !== each.key);
					if (each.size <= 5) model.push(each);
					while (model.reduce((sum, entry) => sum + entry.size, 0) > 5) model.shift();
					for (const key of 'abcd') expect(cache.get(key)).to.equal(model.find((entry) => entry.key === key)?.size);
				}
			}),
		);
	});

	it('keeps the newest entries that are neither deleted nor expired', () => {
		const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
		const step = fc.oneof(
			fc.record({ kind: fc.constant('set'), key, time: fc.nat(2) }),
			fc.record({ kind: fc.constant('delete'), key, time: fc.nat(2) }),
		);
		fc.assert(
			fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
				let time = 1;
				const cache = new ExpiringCache<number>({ ttl: 5, max: 3, now: () => time });
				let model: { key: string; value: number; setAt: number }[] = [];
				for (const [value, { kind, key, time: passed }] of steps.entries()) {
					time += passed;
					model = model.filter((entry) => entry.key !== key);
					if (kind === 'delete') cache.delete(key);
					else {
						cache.set(key, value);
						model = [...model, { key, value, setAt: time }].slice(-3);
					}
					expect(cache.size).to.equal(model.length);
					for (const name of 'abcdef') {
						const known = model.find((entry) => entry.key === name);
						const fresh = known && time < known.setAt + 5;
						expect(cache.get(name)).to.equal(fresh ? known.value : undefined);
					}
				}
			}),
		);
	});
});
