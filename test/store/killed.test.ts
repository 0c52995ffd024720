/** Kills a server six times while clients write. `npm run soak` does it a hundred times. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { killOften } from '../support/kill.js';

describe('a server that is killed at random while REST and DDP clients write', () => {
	it('starts again each time, and has everything that it acknowledged', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
		try {
			const { failed, acknowledged, lost } = await killOften(folder, 6);
			expect(failed).to.deep.equal([]);
			expect(lost).to.deep.equal([]);
			expect(acknowledged).to.be.greaterThan(0);
		} finally {
			await rm(folder, { recursive: true });
		}
	});
});
