/** How a process reads again the writes of other processes that it may have missed. */
import { expect } from 'chai';
import { createCatchUp } from '../../server/cluster/catchUp.js';
import { memoryLog } from '../support/log.js';

describe('catching up with writes', () => {
	it('runs again after a failure, once for all requests, from the earliest time', async () => {
		const seen: number[] = [];
		let failures = 1;
		const catchUp = createCatchUp(
			[
				async (since) => {
					if (failures-- > 0) throw new Error('unavailable');
					seen.push(since.getTime());
				},
			],
			memoryLog(),
		);
		let ends = 0;
		catchUp.onEnd(() => ends++);
		void catchUp.request(100_000);
		void catchUp.request(50_000);
		await catchUp.request(70_000);
		// Ten seconds before the earliest time, because clocks differ.
		expect(seen).to.deep.equal([40_000]);
		expect([catchUp.isRunning, ends]).to.deep.equal([false, 1]);
		await catchUp.close();
	});

	it('runs again for a request that arrives just as a run ends', async () => {
		const lastRunOf = async (microtasks: number) => {
			const seen: number[] = [];
			const catchUp = createCatchUp([async (since) => void seen.push(since.getTime())], memoryLog());
			void catchUp.request(100_000);
			for (let i = 0; i < microtasks; i++) await undefined;
			await catchUp.request(50_000);
			expect(catchUp.isRunning).to.equal(false);
			return seen.at(-1);
		};
		const lastRuns = await Promise.all(Array.from({ length: 12 }, (_, i) => lastRunOf(i)));
		expect(new Set(lastRuns)).to.deep.equal(new Set([40_000]));
	});

	it('stops waiting when the server closes', async () => {
		const fail = () => Promise.reject(new Error('unavailable'));
		const catchUp = createCatchUp([fail], memoryLog());
		const request = catchUp.request(0);
		await catchUp.close();
		await request;
		expect(catchUp.isRunning).to.equal(false);
	});
});
