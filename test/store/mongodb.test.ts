/** What only the store on MongoDB does. `npm run test:mongo` runs the other tests of stores on MongoDB. */
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { openStore } from '../../server/store/open.js';
import { randomId } from '../../shared/ids.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

describe('the store on MongoDB', () => {
	const cases: [what: string, url: string, says: string][] = [
		// Nothing listens on port 1.
		[
			'a server that does not answer',
			'mongodb://bob:s%3Dcret@127.0.0.1:1/x?serverSelectionTimeoutMS=100',
			'127.0.0.1:1',
		],
		['an address of another kind', 'postgres://bob:s%3Dcret@127.0.0.1:1/x', 'cannot be understood'],
		['a password that is not encoded', 'mongodb://bob:s/s=cret@127.0.0.1:1/x', 'cannot be understood'],
		['an unknown option', 'mongodb://bob:s%3Dcret@127.0.0.1:1/x?s=cret=1', 'cannot be understood'],
	];
	for (const [what, url, says] of cases) {
		it(`reports ${what}, and does not show the password`, async () => {
			const error = await rejection(openStore({ kind: 'mongodb', url }, memoryLog()));
			expect(error).to.include({ name: 'StoreError', code: 'unreachable' });
			expect(error.message).to.include(says);
			expect(`${error.stack} ${error.cause ?? ''}`).to.not.match(/s(=|%3D)cret/);
		});
	}

	const server = process.env.ROOMKEY_TEST_MONGO_URL;
	if (server) {
		it('removes shared state by an index, a minute after its expiry', async () => {
			const url = new URL(server);
			url.pathname = `/roomkey-test-${randomId()}`;
			const { close } = await openStore({ kind: 'mongodb', url: url.href }, memoryLog());
			await close();
			const client = await MongoClient.connect(url.href);
			const db = client.db(url.pathname.slice(1));
			const [, index] = await db.collection('roomkey_shared_state').indexes();
			expect(index).to.deep.include({ key: { until: 1 }, expireAfterSeconds: 60 });
			await db.dropDatabase();
			await client.close();
		});
	}
});
