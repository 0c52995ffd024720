/** The test vectors of contract/ddp.md section 15. */
import { expect } from 'chai';
import { method } from '../../shared/method.js';
import { createRandomSource } from '../../shared/random.js';
import { openRoomkey } from '../support/roomkey.js';

const SEED = 'abcdef0123456789abcd';

describe('seeded random values', () => {
	for (const [seed, name, ...values] of [
		[
			'seed1',
			'/collection/tasks',
			'gL86bibc2NR7qtd3r',
			'rsTjd6A2DzYdJPSQR',
			'6d88652fe5f750119cb17606',
			'2515e1d6c9f42c4848b4',
			0.47794280340895057,
		],
		[
			'seed1',
			'default',
			'6m4YmmNLx39qjWpXv',
			'pHosKrj42pJ7Rg77f',
			'72c6e9c6c14b77311bbf3b10',
			'c0b2b567c92b4ccb1a62',
			0.4954779497347772,
		],
		[
			SEED,
			'/collection/tasks',
			'NtYHMxYGja4jmdkt3',
			'rWn6FRgk2LhfiiWAK',
			'954adc28b2c09fdaedcbfebd',
			'08e1c5467dce6ca3f146',
			0.7514377720654011,
		],
		[
			SEED,
			'/rpc/foo',
			'P8PoZ95gk9Fd6awae',
			'HmYG9nihf9nnz9wnt',
			'f790c9ac676614f7e6ac8baf',
			'febce6e1e10f7776a254',
			0.00613151490688324,
		],
	] as const) {
		it(`are those of Meteor for ${seed}, ${name}`, () => {
			const stream = createRandomSource(seed).stream(name);
			const drawn = [stream.id(), stream.id(), stream.hexString(24), stream.hexString(20), stream.fraction()];
			expect(drawn).to.deep.equal(values);
		});
	}

	it('give a call within a call the seed that the client gives it', async () => {
		const seen = { summary: 'for a test', anonymous: true, args: {} } as const;
		const roomkey = await openRoomkey([
			method({ ...seen, name: 'foo', run: (_args, { randomSeed }) => randomSeed }),
			method({ ...seen, name: 'outer', run: (_args, context) => context.call('foo') }),
			method({ ...seen, name: 'id', run: (_args, { random }) => random.stream('/collection/tasks').id() }),
		]);
		expect(await roomkey.callAs({ randomSeed: SEED }, 'outer')).to.equal('616c821ab23918e894c8');
		expect(await roomkey.callAs({ randomSeed: SEED }, 'id')).to.equal('NtYHMxYGja4jmdkt3');
		expect(await roomkey.callAs({}, 'id')).not.to.equal(await roomkey.callAs({}, 'id'));
		await roomkey.close();
	});

	it('take an empty name for default', () => {
		expect(createRandomSource('seed1').stream('').id()).to.equal('6m4YmmNLx39qjWpXv');
	});
});
