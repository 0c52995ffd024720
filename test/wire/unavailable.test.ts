/** What clients receive while the database is unavailable. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { MongoServerSelectionError } from 'mongodb';
import { unavailableError } from '../../server/mongodb/unavailable.js';
import { liveQuery, publication } from '../../shared/publication.js';
import type { Collection, Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { get, post, type RestAnswer, request } from '../support/rest.js';
import { type OpenStore, openTestStore } from '../support/store.js';

/** A store whose operations fail while `failure` returns an error for their collection. */
function failingStore(real: Store, failure: (collection: string) => Error | undefined): Store {
	function wrap<T extends { _id: string }>(key: string, collection: Collection<T>): Collection<T> {
		return new Proxy(collection, {
			get(target, name) {
				const operation = Reflect.get(target, name) as (...args: unknown[]) => unknown;
				return (...args: unknown[]) => {
					const thrown = failure(key);
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
		Object.entries(real).map(([name, collection]) => [name, wrap(name, collection as Collection<{ _id: string }>)]),
	) as unknown as Store;
}

const permissionsOfRole = publication({
	name: 'test.permissions',
	summary: 'for a test',
	anonymous: true,
	args: {},
	run: () => liveQuery('permissions', { roles: 'r' }, { roles: 1 }),
});

const REASON = 'The database is not available at the moment. Please try again.';

for (const [what, error] of [
	['MongoDB does not answer', new MongoServerSelectionError('connect ECONNREFUSED 10.1.2.3:27017', {} as never)],
	['the files can no longer be written', new StoreError('unusable', 'The disk of /secret/folder is full.')],
] as const) {
	describe(`while the database is unavailable: ${what}`, () => {
		let open: OpenStore;
		let app: TestApp;
		let alice: Person;
		let rid: string;
		let outage: Error | undefined;
		let onFailedRead: () => void;
		const clients = clientsOfEachTest();

		beforeEach(async () => {
			outage = undefined;
			onFailedRead = () => {};
			open = await openTestStore();
			app = await startApp({
				store: failingStore(open.store, failureOf),
				onChange: open.onChange,
				publications: [permissionsOfRole],
			});
			alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
			rid = await addRoom(app.store, [alice]);
		});
		afterEach(async () => {
			outage = undefined;
			await app.close();
			await open.close();
		});

		function failureOf(collection: string): Error | undefined {
			if (outage && collection === 'permissions') onFailedRead();
			return outage;
		}

		function expectRetry({ status, headers, body, text }: RestAnswer): void {
			expect([status, headers.get('retry-after'), body.success]).to.deep.equal([503, '5', false]);
			expect(text).not.to.match(/ECONNREFUSED|secret/);
		}

		it('a REST call is answered 503 with Retry-After', async () => {
			outage = error;
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
			outage = error;
			for (const body of [{ user: 'alice', password: 'secret' }, { resume: alice.token }])
				expectRetry(await post(`${app.url}/api/v1/login`, null, body));
		});

		it('method.callAnon is answered 503, with the error in the message', async () => {
			outage = error;
			const login = JSON.stringify({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
			const answer = await post(`${app.url}/api/v1/method.callAnon/login`, null, { message: login });
			expectRetry(answer);
			expect(JSON.parse(answer.body.message as string).error).to.include({ error: 503, reason: REASON });
		});

		it('calls, login and subscriptions over DDP fail with 503, and work again afterwards', async () => {
			const client = await clients.connect(app.webSocketUrl);
			outage = error;
			expect((await client.call('login', { resume: alice.token })).error).to.include({ error: 503, reason: REASON });
			const password = { user: { username: 'alice' }, password: 'secret' };
			expect((await client.call('login', password)).error).to.include({ error: 503, reason: REASON });
			outage = undefined;
			expect((await client.call('login', { resume: alice.token })).result).to.include({ id: alice.id });
			outage = error;
			expect((await client.call('e2e.setRoomKeyID', rid, 'k')).error).to.include({ error: 503 });
			client.send({ msg: 'sub', id: 's', name: 'stream-notify-room', params: [`${rid}/e2ekeyRequest`, false] });
			let frame = await client.next();
			while (frame.msg !== 'nosub') frame = await client.next();
			expect(frame.error).to.include({ error: 503 });
			outage = undefined;
			expect((await client.call('e2e.setRoomKeyID', rid, 'k')).error).to.equal(undefined);
		});

		describe('a live query', () => {
			const SUB = { msg: 'sub', id: 's', name: 'test.permissions' };
			const document = { collection: 'rocketchat_permissions', id: 'p' };

			async function liveQueryState(): Promise<string> {
				const { body } = await request(`${app.url}/readyz`);
				return (body.checks as { liveQueries: { status: string } }).liveQueries.status;
			}
			async function becomes(state: string): Promise<void> {
				while ((await liveQueryState()) !== state) await nextTurn();
			}
			const subscriber = () => clients.connect(app.webSocketUrl);

			it('stays open, and later sends what was written meanwhile', async () => {
				await open.store.permissions.insertOne({ _id: 'p', roles: ['r', 'q'] });
				await open.store.permissions.insertOne({ _id: 'q', roles: ['r'] });
				const client = await subscriber();
				client.send(SUB);
				expect((await client.take(3)).at(-1)).to.deep.equal({ msg: 'ready', subs: ['s'] });
				expect(await liveQueryState()).to.equal('ok');
				outage = error;
				await open.store.permissions.updateOne({ _id: 'p' }, { $set: { roles: ['r'] } });
				await becomes('degraded');
				await open.store.permissions.deleteOne({ _id: 'q' });
				await open.store.permissions.insertOne({ _id: 'n', roles: ['r'] });
				expect(await client.untilEcho()).to.deep.equal([]);
				outage = undefined;
				const received: object[] = [];
				while (received.length < 3) {
					const frame = await client.next();
					// The `updated` of the call that `untilEcho` makes may arrive later than its result.
					if (frame.msg !== 'updated') received.push(frame);
				}
				expect(received).to.have.deep.members([
					{ msg: 'changed', ...document, fields: { roles: ['r'] } },
					{ msg: 'removed', ...document, id: 'q' },
					{ msg: 'added', ...document, id: 'n', fields: { roles: ['r'] } },
				]);
				await becomes('ok');
				expect(await client.untilEcho()).to.deep.equal([]);
			});

			it('is read again more often than after an error of another kind', async () => {
				const client = await subscriber();
				client.send(SUB);
				await client.next();
				outage = error;
				let failures = 0;
				onFailedRead = () => failures++;
				await open.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
				// An error of another kind ends a live query at the fourth failure.
				while (failures < 5) await nextTurn();
				outage = undefined;
				expect(await client.next()).to.deep.equal({ msg: 'added', ...document, fields: { roles: ['r'] } });
			});

			it('gets nosub 503 if it begins during the outage', async () => {
				const client = await subscriber();
				outage = error;
				client.send(SUB);
				const { error: received, ...nosub } = await client.next();
				expect(nosub).to.deep.equal({ msg: 'nosub', id: 's' });
				expect(received).to.include({ error: 503, reason: REASON });
			});

			it('is not read any more if the client stops it', async () => {
				const client = await subscriber();
				client.send(SUB);
				await client.next();
				outage = error;
				await open.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
				await becomes('degraded');
				client.send({ msg: 'unsub', id: 's' });
				expect(await client.next()).to.deep.equal({ msg: 'nosub', id: 's' });
				await becomes('ok');
			});
		});

		it('the failure of a call is logged as a warning that names the method', async () => {
			outage = error;
			const client = await clients.connect(app.webSocketUrl);
			await client.call('login', { resume: alice.token });
			const line = app.log.lines.find(({ text }) => text === 'The database is not available');
			expect(line).to.include({ level: 'warn' });
			expect(line?.facts).to.include({ method: 'login' });
		});
	});
}
