/** Work that arrives in one turn of the event loop is spread over several turns. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { spreadOverTurns } from '../../server/core/turns.js';

describe('work that is spread over turns of the event loop', () => {
	let handled: number[];

	beforeEach(() => {
		handled = [];
	});

	const spread = (maxWaiting = 100) =>
		spreadOverTurns<number>({ perTurn: 2, maxWaiting }, (item) => handled.push(item));

	it('is done in order: `perTurn` items immediately, and as many in each later turn', async () => {
		const add = spread();
		for (let i = 0; i < 5; i++) add(i);
		expect(handled).to.deep.equal([0, 1]);
		await nextTurn();
		expect(handled).to.deep.equal([0, 1, 2, 3]);
		add(5);
		expect(handled).to.deep.equal([0, 1, 2, 3]);
		await nextTurn();
		expect(handled).to.deep.equal([0, 1, 2, 3, 4, 5]);
		await nextTurn();
		add(6);
		expect(handled.at(-1)).to.equal(6);
	});

	it('is refused if too many items wait', async () => {
		const add = spread(1);
		expect([add(0), add(1), add(2), add(3)]).to.deep.equal([true, true, true, false]);
		await nextTurn();
		expect([add(4), add(5), add(6)]).to.deep.equal([true, true, false]);
		await nextTurn();
		expect(handled).to.deep.equal([0, 1, 2, 4, 5]);
	});

	it('keeps no handled items in memory while new ones arrive all the time', async () => {
		const add = spreadOverTurns<object>({ perTurn: 1, maxWaiting: 100 }, () => {});
		add({});
		const first = new WeakRef({});
		add(first.deref() as object);
		setFlagsFromString('--expose-gc');
		const collectGarbage = runInNewContext('gc') as () => void;
		// This item keeps the queue from ever being empty.
		add({});
		for (let turn = 0; turn < 100; turn++) {
			add({});
			await nextTurn();
		}
		collectGarbage();
		expect(first.deref()).to.equal(undefined);
	});

	it('does not exceed `perTurn` items in a turn if an item adds others', async () => {
		const add = spreadOverTurns<number>({ perTurn: 2, maxWaiting: 100 }, (item) => {
			handled.push(item);
			if (item < 10) add(item + 1);
		});
		add(0);
		expect(handled).to.deep.equal([0, 1]);
		await nextTurn();
		expect(handled).to.deep.equal([0, 1, 2, 3]);
	});
});
