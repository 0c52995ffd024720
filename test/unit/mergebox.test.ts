/**
 * What is sent to a client when several subscriptions publish documents (test/contract/ddp.md sections 11 and 12).
 */
import { expect } from 'chai';
import { MergeBox, type Strategy } from '../../server/ddp/publications/mergebox.js';

/** `take` returns the frames that were sent since its last call. */
function open(strategy: Strategy = 'SERVER_MERGE') {
	const sent: object[] = [];
	const box = new MergeBox({ send: (frame) => sent.push(JSON.parse(frame)) }, () => strategy);
	const take = () => sent.splice(0);
	return { box, take };
}

const C = 'c';
const added = (id: string, fields?: object) => ({ msg: 'added', collection: C, id, ...(fields && { fields }) });
const changed = (id: string, fields?: object, cleared?: string[]) => ({
	msg: 'changed',
	collection: C,
	id,
	...(fields && { fields }),
	...(cleared && { cleared }),
});
const removed = (id: string) => ({ msg: 'removed', collection: C, id });
const withoutPause = () => undefined;

describe('the merge box', () => {
	// Two holders: subscriptions that publish documents. The first that sets a field has precedence for this field.
	const a = { name: 'a' };
	const b = { name: 'b' };

	describe('SERVER_MERGE (11)', () => {
		it('sends all fields of a document that the client does not have', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1, g: { h: 2 } });
			expect(take()).to.deep.equal([added('x', { f: 1, g: { h: 2 } })]);
		});

		it('leaves out the member `fields` for a document that has none', () => {
			const { box, take } = open();
			box.added(a, C, 'x', {});
			expect(take()).to.deep.equal([added('x')]);
		});

		it('sends only the fields of a second holder that the client lacks', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			take();
			box.added(b, C, 'x', { f: 1, g: 2 });
			expect(take()).to.deep.equal([changed('x', { g: 2 })]);
		});

		it('remembers the conflicting value of a second holder, and does not send it', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			take();
			box.added(b, C, 'x', { f: 2 });
			expect(take()).to.deep.equal([]);
			box.removed(a, C, 'x');
			expect(take()).to.deep.equal([changed('x', { f: 2 })]);
		});

		it('sends a change of the holder with precedence', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			take();
			box.changed(a, C, 'x', { f: 2 });
			expect(take()).to.deep.equal([changed('x', { f: 2 })]);
		});

		for (const [what, one, other, isSame] of [
			['equal objects', { p: [1, { q: 2 }] }, { p: [1, { q: 2 }] }, true],
			['objects that differ in the order of keys', { p: 1, q: 2 }, { q: 2, p: 1 }, true],
			['equal dates', new Date(5), new Date(5), true],
			['NaN and NaN', Number.NaN, Number.NaN, true],
			['different dates', new Date(5), new Date(6), false],
			['different regular expressions', /a/, /b/, false],
			['a number and its text', 1, '1', false],
		] as const) {
			it(`sends ${isSame ? 'no change' : 'a change'} when the old and the new value are ${what}`, () => {
				const { box, take } = open();
				box.added(a, C, 'x', { f: one });
				take();
				box.changed(a, C, 'x', { f: other });
				expect(take()).to.have.length(isSame ? 0 : 1);
			});
		}

		it('sends no change of a field for which another holder has precedence', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 2 });
			take();
			box.changed(b, C, 'x', { f: 3 });
			expect(take()).to.deep.equal([]);
		});

		it('sends nothing when a holder without precedence changes or removes a document', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 2 });
			take();
			box.changed(b, C, 'x', { f: undefined });
			box.changed(b, C, 'x', { f: 3 });
			box.removed(b, C, 'x');
			expect(take()).to.deep.equal([]);
		});

		it("sends the next holder's value when the one with precedence clears a field", () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 2 });
			take();
			box.changed(a, C, 'x', { f: undefined });
			expect(take()).to.deep.equal([changed('x', { f: 2 })]);
		});

		it('sends nothing when precedence passes to a holder with the same value', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 1 });
			take();
			box.changed(a, C, 'x', { f: undefined });
			box.removed(a, C, 'x');
			expect(take()).to.deep.equal([]);
		});

		it('sends a field as cleared when no holder is left for it', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1, g: 1 });
			box.added(b, C, 'x', { f: 1 });
			take();
			box.removed(a, C, 'x');
			expect(take()).to.deep.equal([changed('x', undefined, ['g'])]);
		});

		it('gives a holder that sets a cleared field again the lowest precedence', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 2 });
			box.changed(a, C, 'x', { f: undefined });
			take();
			box.changed(a, C, 'x', { f: 3 });
			expect(take()).to.deep.equal([]);
		});

		it('sends `removed` only when the last holder removes the document', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 1 });
			take();
			box.removed(a, C, 'x');
			expect(take()).to.deep.equal([]);
			box.removed(b, C, 'x');
			expect(take()).to.deep.equal([removed('x')]);
		});

		it('sends no empty change', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			take();
			box.changed(a, C, 'x', {});
			box.changed(a, C, 'x', { g: undefined });
			expect(take()).to.deep.equal([]);
		});

		it('ignores `_id` among the fields', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { _id: 'x', f: 1 });
			box.changed(a, C, 'x', { _id: 'y' });
			expect(take()).to.deep.equal([added('x', { f: 1 })]);
		});

		it('replaces a nested object as a whole', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: { p: 1, q: 2 } });
			take();
			box.changed(a, C, 'x', { f: { p: 1 } });
			expect(take()).to.deep.equal([changed('x', { f: { p: 1 } })]);
		});

		it('sends an undefined field of a new document as cleared', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: undefined });
			expect(take()).to.deep.equal([{ ...added('x'), cleared: ['f'] }]);
		});

		it('distinguishes ids of different types', () => {
			const { box, take } = open();
			box.added(a, C, 5, { f: 1 });
			box.added(a, C, '5', { f: 2 });
			box.removed(a, C, 5);
			expect(take()).to.deep.equal([added('~5', { f: 1 }), added('5', { f: 2 }), removed('~5')]);
		});

		it('refuses to change or remove a document that has no holder', () => {
			const { box, take } = open();
			expect(() => box.changed(a, C, 'x', {})).to.throw('Could not find element with id x to change');
			expect(() => box.removed(a, C, 'x')).to.throw('Removed nonexistent document x');
			expect(take()).to.deep.equal([]);
		});

		it('refuses to change or remove a document that only another subscription holds', () => {
			const { box, take } = open();
			box.added(a, C, 'x', { f: 1 });
			take();
			expect(() => box.changed(b, C, 'x', { g: 1 })).to.throw('Could not find element with id x to change');
			expect(() => box.removed(b, C, 'x')).to.throw('Removed nonexistent document x');
			expect(take()).to.deep.equal([]);
		});
	});

	describe('NO_MERGE_MULTI (11)', () => {
		it('adds a document once; later adds are changes with all their fields', () => {
			const { box, take } = open('NO_MERGE_MULTI');
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 1, g: 2 });
			expect(take()).to.deep.equal([added('x', { f: 1 }), changed('x', { f: 1, g: 2 })]);
		});

		it('sends every change, from any subscription', () => {
			const { box, take } = open('NO_MERGE_MULTI');
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', { f: 1 });
			take();
			box.changed(b, C, 'x', { f: 1 });
			expect(take()).to.deep.equal([changed('x', { f: 1 })]);
		});

		it('removes a document when its last holder does, and clears no fields before', () => {
			const { box, take } = open('NO_MERGE_MULTI');
			box.added(a, C, 'x', { f: 1 });
			box.added(b, C, 'x', {});
			take();
			box.removed(a, C, 'x');
			expect(take()).to.deep.equal([]);
			box.removed(b, C, 'x');
			expect(take()).to.deep.equal([removed('x')]);
			expect(box.removesOnStop(C)).to.equal(true);
		});
	});

	for (const strategy of ['NO_MERGE', 'NO_MERGE_NO_HISTORY'] as const) {
		describe(`${strategy} (11)`, () => {
			it('sends every call as it is', () => {
				const { box, take } = open(strategy);
				box.changed(a, C, 'x', { f: 0 });
				box.added(a, C, 'x', { f: 1 });
				box.added(b, C, 'x', { f: 1 });
				box.changed(a, C, 'x', { f: 1 });
				box.removed(a, C, 'x');
				box.removed(a, C, 'x');
				expect(take()).to.deep.equal([
					changed('x', { f: 0 }),
					added('x', { f: 1 }),
					added('x', { f: 1 }),
					changed('x', { f: 1 }),
					removed('x'),
					removed('x'),
				]);
			});

			it(`${strategy === 'NO_MERGE' ? 'removes' : 'keeps'} the documents of a subscription that stops`, () => {
				expect(open(strategy).box.removesOnStop(C)).to.equal(strategy === 'NO_MERGE');
			});

			it('sends documents of a new user at once, and removes none of the former', () => {
				const { box, take } = open(strategy);
				box.added(a, C, 'x', { f: 1 });
				box.added(a, C, 'y', { f: 1 });
				take();
				box.beginRerun();
				box.added(b, C, 'x', { f: 1 });
				expect(take()).to.deep.equal([added('x', { f: 1 })]);
				void box.sendDiff(withoutPause);
				expect(take()).to.deep.equal([]);
			});
		});
	}

	for (const strategy of ['NO_MERGE_MULTI', 'NO_MERGE', 'NO_MERGE_NO_HISTORY'] as const) {
		it(`does not strip \`_id\` with ${strategy}`, () => {
			const { box, take } = open(strategy);
			box.added(a, C, 'x', { _id: 'x' });
			expect(take()).to.deep.equal([added('x', { _id: 'x' })]);
		});
	}

	describe('a change of the user (12)', () => {
		it('sends no merged documents during the rerun, then the difference', () => {
			const { box, take } = open();
			box.added(a, C, 'same', { f: 1 });
			box.added(a, C, 'gone', { f: 1 });
			box.added(a, C, 'other', { f: 1, g: 1 });
			take();
			box.beginRerun();
			box.added(b, C, 'new', { f: 1 });
			box.added(b, C, 'other', { f: 2, h: 1 });
			box.added(b, C, 'same', { f: 1 });
			expect(take()).to.deep.equal([]);
			void box.sendDiff(withoutPause);
			expect(take()).to.deep.equal([removed('gone'), changed('other', { f: 2, h: 1 }, ['g']), added('new', { f: 1 })]);
		});

		it('sends the difference of one collection before it begins with the next', () => {
			const { box, take } = open();
			box.added(a, 'who', 'nobody', {});
			box.added(a, 'q', 'x', {});
			take();
			box.beginRerun();
			box.added(b, 'new', 'n', {});
			box.added(b, 'who', 'bob', {});
			void box.sendDiff(withoutPause);
			expect(take()).to.deep.equal([
				{ msg: 'removed', collection: 'who', id: 'nobody' },
				{ msg: 'added', collection: 'who', id: 'bob' },
				{ msg: 'removed', collection: 'q', id: 'x' },
				{ msg: 'added', collection: 'new', id: 'n' },
			]);
		});

		it('waits between documents of the difference, and sends concurrent changes once', async () => {
			const { box, take } = open();
			for (const id of ['shown', 'waits', 'goes']) box.added(a, C, id, { f: 1 });
			take();
			box.beginRerun();
			for (const id of ['shown', 'waits', 'goes']) box.added(b, C, id, { f: 2 });
			box.added(b, C, 'comes', { f: 2 });
			const waits: (() => void)[] = [];
			const done = box.sendDiff(() => new Promise((resolve) => waits.push(resolve)));
			expect(take()).to.deep.equal([changed('shown', { f: 2 })]);
			box.changed(b, C, 'shown', { f: 3 });
			box.changed(b, C, 'waits', { f: 3 });
			box.removed(b, C, 'goes');
			box.removed(b, C, 'comes');
			box.added(b, C, 'late', { f: 3 });
			expect(take()).to.deep.equal([changed('shown', { f: 3 }), added('late', { f: 3 })]);
			for (const expected of [[changed('waits', { f: 3 })], [removed('goes')], []]) {
				waits.pop()?.();
				await Promise.resolve();
				await Promise.resolve();
				expect(take()).to.deep.equal(expected);
			}
			waits.pop()?.();
			await done;
			box.changed(b, C, 'waits', { f: 4 });
			expect(take()).to.deep.equal([changed('waits', { f: 4 })]);
		});

		it('sends all values again with NO_MERGE_MULTI, and removes documents without a holder', () => {
			const { box, take } = open('NO_MERGE_MULTI');
			box.added(a, C, 'x', { f: 1 });
			box.added(a, C, 'gone', {});
			take();
			box.beginRerun();
			box.added(b, C, 'x', { f: 2 });
			box.added(b, C, 'new', { f: 1 });
			void box.sendDiff(withoutPause);
			expect(take()).to.deep.equal([changed('x', { f: 2 }), added('new', { f: 1 }), removed('gone')]);
		});

		it('keeps, with NO_MERGE_MULTI, a document added, removed and added again during the rerun', () => {
			const { box, take } = open('NO_MERGE_MULTI');
			box.added(a, C, 'x', { f: 1 });
			take();
			box.beginRerun();
			box.added(b, C, 'x', { f: 2 });
			box.removed(b, C, 'x');
			box.added(b, C, 'x', { f: 3 });
			void box.sendDiff(withoutPause);
			expect(take()).to.deep.equal([changed('x', { f: 2 }), changed('x', { f: 3 })]);
		});
	});
});
