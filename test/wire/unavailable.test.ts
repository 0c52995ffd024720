/** What clients receive while the database is unavailable. */
import { expect } from 'chai';
import { MongoServerSelectionError } from 'mongodb';
import { unavailableError } from '../../server/mongodb/unavailable.js';
import type { Collection, Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { get, post, type RestAnswer, request } from '../support/rest.js';
import { type OpenStore, openTestStore } from '../support/store.js';

/** A store whose operations fail while `failure` returns an error. */
function failing(real: Store, failure: () => Error | undefined): Store {
	function wrap<T extends { _id: string }>(collection: Collection<T>): Collection<T> {
		return new Proxy(collection, {
			get(target, name) {
				const operation = Reflect.get(target, name) as (...args: unknown[]) => unknown;
				return (...args: unknown[]) => {
					const thrown = failure();
					if (!thrown) return Reflect.apply(operation, target, args);
					const error = unavailableError(thrown);
					if (name !== 'find') return Promise.reject(error);
					const fail = () => Promise.reject(error);
					return { toArray: fail, [Symbol.asyncIterator]: () => ({ next: fail }) };
				};
			},
		});
	}
	return Object.fromEntries(
		Object.entries(real).map(([name, collection]) => [name, wrap(collection as Collection<{ _id: string }>)]),
	) as unknown as Store;
}

const REASON = 'The database is not available at the moment. Please try again.';

for (const [what, error] of [
	['MongoDB does not answer', new MongoServerSelectionError('connect ECONNREFUSED 10.1.2.3:27017', {} as never)],
	['the files can no longer be written', new StoreError('unusable', 'The disk of /secret/folder is full.')],
] as const) {
	describe(`while the database is away: ${what}`, () => {
		let open: OpenStore;
		let app: TestApp;
		let alice: Person;
		let rid: string;
		let away: Error | undefined;
		const clients = clientsOfEachTest();

		beforeEach(async () => {
			away = undefined;
			open = await openTestStore();
			app = await startApp({ store: failing(open.store, () => away) });
			alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
			rid = await addRoom(app.store, [alice]);
		});
		afterEach(async () => {
			away = undefined;
			await app.close();
			await open.close();
		});

		function expectRetry({ status, headers, body, text }: RestAnswer): void {
			expect([status, headers.get('retry-after'), body.success]).to.deep.equal([503, '5', false]);
			expect(text).not.to.match(/ECONNREFUSED|secret/);
		}

		it('a REST call is answered 503 with Retry-After, even if it only looks up the token', async () => {
			away = error;
			for (const answer of [
				await post(`${app.url}/api/v1/e2e.setRoomKeyID`, alice, { rid, keyID: 'k' }),
				await get(`${app.url}/api/v1/me`, alice),
				await get(`${app.url}/api/v1/settings.public`, alice),
				await request(`${app.url}/api/v1/settings.public`),
				await post(`${app.url}/api/v1/logout`, alice, {}),
			]) {
				expectRetry(answer);
				expect(answer.body.error).to.equal(REASON);
			}
		});

		it('the REST login is answered 503, not 401', async () => {
			away = error;
			for (const body of [{ user: 'alice', password: 'secret' }, { resume: alice.token }])
				expectRetry(await post(`${app.url}/api/v1/login`, null, body));
		});

		it('method.call and method.callAnon are answered 503, with the error in the message', async () => {
			away = error;
			const login = JSON.stringify({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
			const answer = await post(`${app.url}/api/v1/method.callAnon/login`, null, { message: login });
			expectRetry(answer);
			expect(JSON.parse(answer.body.message as string).error).to.include({ error: 503, reason: REASON });
		});

		it('calls, login and subscriptions over DDP fail with 503, and work again afterwards', async () => {
			const client = await clients.connect(app.webSocketUrl);
			away = error;
			expect((await client.call('login', { resume: alice.token })).error).to.include({ error: 503, reason: REASON });
			const password = { user: { username: 'alice' }, password: 'secret' };
			expect((await client.call('login', password)).error).to.include({ error: 503, reason: REASON });
			away = undefined;
			expect((await client.call('login', { resume: alice.token })).result).to.include({ id: alice.id });
			away = error;
			expect((await client.call('e2e.setRoomKeyID', rid, 'k')).error).to.include({ error: 503 });
			client.send({ msg: 'sub', id: 's', name: 'stream-notify-room', params: [`${rid}/e2ekeyRequest`, false] });
			let frame = await client.next();
			while (frame.msg !== 'nosub') frame = await client.next();
			expect(frame.error).to.include({ error: 503 });
			away = undefined;
			expect((await client.call('e2e.setRoomKeyID', rid, 'k')).error).to.equal(undefined);
		});

		it('is logged as a warning that names the method', async () => {
			away = error;
			const client = await clients.connect(app.webSocketUrl);
			await client.call('login', { resume: alice.token });
			const line = app.log.lines.find(({ text }) => text === 'The database is not available');
			expect(line).to.include({ level: 'warn' });
			expect(line?.facts).to.include({ method: 'login' });
		});
	});
}
