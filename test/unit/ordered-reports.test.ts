/** The order in which overlapping writes are announced. */
import { expect } from 'chai';
import { OrderedReports, type Written } from '../../server/store/orderedReports.js';

describe('the reports of overlapping writes', () => {
	it('announce the stored state of a document that another write has reported meanwhile', async () => {
		const announced: unknown[] = [];
		const announce = ({ id, after }: Written) => void announced.push([id, after?.state]);
		const reports = new OrderedReports(async (_id) => ({ _id, state: 'stored' }));
		const written = (id: string, state: string): Written => ({ action: 'updated', id, after: { _id: id, state } });
		let resume = (): void => {};
		const resumed = new Promise<void>((resolve) => {
			resume = resolve;
		});
		const slow = reports.run(announce, async (report) => {
			await resumed;
			await report(written('a', 'old'));
			await report(written('b', 'own'));
		});
		await reports.run(announce, async (report) => report(written('a', 'new')));
		await reports.run(announce, async (report) => report(written('c', 'new')));
		resume();
		await slow;
		expect(announced).to.deep.equal([
			['a', 'new'],
			['c', 'new'],
			['a', 'stored'],
			['b', 'own'],
		]);
	});
});
