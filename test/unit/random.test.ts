/** The test vectors of test/contract/ddp.md section 15. */
import { expect } from 'chai';
import { method } from '../../shared/method.js';
import { createRandomSource } from '../../shared/random.js';
import { openRoomkey } from '../support/roomkey.js';
import { SEED, seedVectors } from '../support/seeds.js';

describe('seeded random values', () => {
	for (const [seed, name, ...values] of seedVectors) {
		it(`are those of Meteor for ${seed}, ${name}`, () => {
			const stream = createRandomSource(seed).stream(name);
			const drawn = [stream.id(), stream.id(), stream.hexString(24), stream.hexString(20), stream.fraction()];
			expect(drawn).to.deep.equal(values);
		});
	}

	it('depend on the seed of the call, also in nested calls', async () => {
		const common = { summary: 'for a test', anonymous: true, args: {} } as const;
		const roomkey = await openRoomkey([
			method({ ...common, name: 'foo', run: (_args, { randomSeed }) => randomSeed }),
			method({ ...common, name: 'outer', run: (_args, context) => context.call('foo') }),
			method({ ...common, name: 'id', run: (_args, { random }) => random.stream('/collection/tasks').id() }),
		]);
		expect(await roomkey.callAs({ randomSeed: SEED }, 'outer')).to.equal('616c821ab23918e894c8');
		expect(await roomkey.callAs({ randomSeed: SEED }, 'id')).to.equal('NtYHMxYGja4jmdkt3');
		expect(await roomkey.callAs({}, 'id')).not.to.equal(await roomkey.callAs({}, 'id'));
		await roomkey.close();
	});

	it('use the default stream for an empty name', () => {
		expect(createRandomSource('seed1').stream('').id()).to.equal('6m4YmmNLx39qjWpXv');
	});
});
