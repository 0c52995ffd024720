/** Large values are encoded in slices. Between two slices the encoding yields to the event loop. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { ejsonFormat, parse, stringify } from '../../shared/ejson.js';
import { encodeInSlices, isLarge, plainJson } from '../../shared/slices.js';
import { createYielder } from '../../shared/yielding.js';
import { rejection } from '../support/rejection.js';

const LONG = 'x'.repeat(70_000);
const asText = (value: unknown, format = ejsonFormat) =>
	encodeInSlices(value, format, String).then((parts) => parts.join(''));

describe('large values', () => {
	it('are recognized by the length of their text, whatever their structure', () => {
		const chain = (depth: number): unknown => (depth === 0 ? LONG : { inner: [chain(depth - 1)] });
		for (const large of [LONG, [LONG], { a: { b: LONG } }, Array(20_000).fill(0), chain(20)]) {
			expect(isLarge(large)).to.equal(true);
		}
		const circle: Record<string, unknown> = {};
		circle.self = circle;
		for (const small of [undefined, null, 5, 'x', [], {}, Array(1000).fill(0), { a: new Date() }, circle, () => LONG]) {
			expect(isLarge(small)).to.equal(false);
		}
	});

	const values = fc.anything({
		withDate: true,
		withUnicodeString: true,
		withNullPrototype: true,
		values: [fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined)],
		key: fc.oneof(fc.string(), fc.constantFrom('$date', '$type', '$escape', 'toJSON', 'callee', 'length', '__proto__')),
	});

	for (const [name, format, reference] of [
		['EJSON', ejsonFormat, stringify],
		['plain JSON', plainJson, (value: unknown) => JSON.stringify(value)],
	] as const) {
		it(`have the same text in slices as in one piece: ${name}`, () =>
			fc.assert(
				fc.asyncProperty(values, fc.constantFrom('list', 'object', 'both'), async (value, kind) => {
					const list = [LONG, value, undefined, LONG, { value }];
					const large =
						kind === 'list' ? list : { value, a: LONG, u: undefined, b: kind === 'both' ? [list, [], {}] : 1 };
					expect(await asText(large, format)).to.equal(reference(large));
				}),
				{ numRuns: 200 },
			));
	}

	it('keep every character of a text that is longer than a slice', async () => {
		const text = `x${'😀"\\\n'.repeat(50_000)}`;
		const parts = await encodeInSlices({ text }, ejsonFormat, (part) => Buffer.from(part));
		expect(parts.length).to.be.greaterThan(2);
		expect(parse(Buffer.concat(parts).toString())).to.deep.equal({ text });
	});

	it('have the same text with an unpaired surrogate at the end of a slice', async () => {
		const text = `${'x'.repeat(2 ** 16 - 1)}\ud83d😀`;
		expect(await asText(text)).to.equal(stringify(text));
	});

	it('fail to be encoded in slices if they fail in one piece', async () => {
		const circle: Record<string, unknown> = { LONG };
		circle.self = circle;
		for (const value of [circle, [LONG, 5n], { LONG, big: [1n] }]) {
			expect(() => stringify(value)).to.throw();
			expect(await rejection(asText(value))).to.be.an('error');
		}
	});

	it('let the event loop turn while they are encoded', async () => {
		const list = Array.from({ length: 100_000 }, (_, i) => ({
			_id: `room-${i}`,
			name: 'x'.repeat(50),
			ts: new Date(),
		}));
		let turns = 0;
		let isOver = false;
		const encoded = asText(list).finally(() => {
			isOver = true;
		});
		while (!isOver) {
			await nextTurn();
			turns++;
		}
		await encoded;
		expect(turns).to.be.greaterThan(3);
	});
});

describe('tasks that yield', () => {
	it('are resumed one per turn of the event loop', async () => {
		let turn = 0;
		let isOver = false;
		const counting = (async () => {
			while (!isOver) {
				await nextTurn();
				turn++;
			}
		})();
		const resumed: number[] = [];
		const task = async () => {
			const yielder = createYielder();
			for (let steps = 0; steps < 2; steps++) {
				// `yielder` returns a promise when the task must yield.
				let pause: Promise<void> | undefined;
				while (!pause) pause = yielder();
				await pause;
				resumed.push(turn);
			}
		};
		await Promise.all(Array.from({ length: 5 }, task));
		isOver = true;
		await counting;
		expect(resumed).to.have.length(10);
		expect(new Set(resumed).size).to.equal(10);
	});
});
