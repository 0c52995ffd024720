/** Alarms: time passes as the test says. */
import { mock } from 'node:test';
import { expect } from 'chai';
import fc from 'fast-check';
import { TimerHeap } from '../../server/core/timer-heap.js';

describe('alarms', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }));
	afterEach(() => mock.timers.reset());

	it('wake each in its moment, in whatever order they were set, and not those that were called off', () => {
		const entry = fc.record({ in: fc.integer({ min: -2, max: 20 }), cancelled: fc.boolean() });
		fc.assert(
			fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
				const alarms = new TimerHeap();
				const start = Date.now();
				const woken: number[] = [];
				const set = entries.map((each, i) => {
					const expected = Math.max(each.in, 0);
					const wake = () => {
						woken.push(i);
						expect(Date.now() - start).to.equal(expected);
					};
					const timer = { heapIndex: -1, onExpire: wake };
					alarms.set(new Date(start + each.in), timer);
					return timer;
				});
				entries.forEach(({ cancelled }, i) => {
					const timer = set[i];
					if (cancelled && timer) alarms.cancel(timer);
				});
				mock.timers.tick(0);
				for (let i = 0; i < 20; i++) mock.timers.tick(1);
				const expected = entries.flatMap(({ cancelled }, i) => (cancelled ? [] : [i]));
				expect(woken.sort((a, b) => a - b)).to.deep.equal(expected);
			}),
			{ numRuns: 200 },
		);
	});

	it('wake at once where the time is none, and keep nobody else from theirs', () => {
		const alarms = new TimerHeap();
		const woken: string[] = [];
		alarms.set(new Date(Date.now() + 1), { heapIndex: -1, onExpire: () => woken.push('later') });
		alarms.set(new Date(Number.NaN), { heapIndex: -1, onExpire: () => woken.push('never') });
		mock.timers.tick(0);
		expect(woken).to.deep.equal(['never']);
		mock.timers.tick(1);
		expect(woken).to.deep.equal(['never', 'later']);
	});

	it('may be set and called off by what they wake', () => {
		const alarms = new TimerHeap();
		const woken: string[] = [];
		const at = (ms: number) => new Date(Date.now() + ms);
		const second = { heapIndex: -1, onExpire: () => woken.push('second') };
		alarms.set(at(20), second);
		alarms.set(at(10), {
			heapIndex: -1,
			onExpire() {
				alarms.cancel(second);
				alarms.set(at(10), { heapIndex: -1, onExpire: () => woken.push('third') });
			},
		});
		mock.timers.tick(10);
		mock.timers.tick(10);
		expect(woken).to.deep.equal(['third']);
	});

	it('do nothing when they are called off late', () => {
		const alarms = new TimerHeap();
		let woken = 0;
		const wake = () => woken++;
		const gone = { heapIndex: -1, onExpire: wake };
		alarms.set(new Date(Date.now() + 1), gone);
		alarms.set(new Date(Date.now() + 2), { heapIndex: -1, onExpire: wake });
		mock.timers.tick(1);
		alarms.cancel(gone);
		mock.timers.tick(1);
		expect(woken).to.equal(2);
	});

	it('go by the last time that was set for one', () => {
		const alarms = new TimerHeap();
		const woken: number[] = [];
		const start = Date.now();
		const timer = { heapIndex: -1, onExpire: () => woken.push(Date.now() - start) };
		for (const ms of [10, 30, 20]) alarms.set(new Date(start + ms), timer);
		for (let i = 0; i < 40; i++) mock.timers.tick(1);
		expect(woken).to.deep.equal([20]);
	});
});
