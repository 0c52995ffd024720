/**
 * Identity keys over real sockets. Titles cite sections and steps of test/contract/rocketchat-e2e.md. E and T are rows of
 * beyond.md there, and # is an issue or pull request of Rocket.Chat in section 12.
 */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { parse, stringify } from '../../shared/ejson.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { get, headersOf, post, request } from '../support/rest.js';

const SET_KEYS = 'e2e.setUserPublicAndPrivateKeys';
const keyPair = (name: string) => ({ public_key: `public ${name}`, private_key: `private ${name}` });

describe('identity keys on the wire', () => {
	let app: TestApp;
	let alice: Person;
	let bob: Person;
	let admin: Person;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp();
		admin = await addPerson(app.store, { roles: ['admin'] });
	});
	after(() => app.close());
	beforeEach(async () => {
		alice = await addPerson(app.store);
		bob = await addPerson(app.store);
	});

	const url = (endpoint: string) => `${app.url}/api/v1/${endpoint}`;
	const postTo = (endpoint: string, as: Person | null, body: unknown) => post(url(endpoint), as, body);

	async function connect(as: Person): Promise<RawClient> {
		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: as.token });
		return client;
	}

	async function listen(client: RawClient, eventName: string): Promise<void> {
		client.send({ msg: 'sub', id: eventName, name: 'stream-notify-user', params: [eventName, false] });
		while ((await client.next()).msg !== 'ready');
	}

	/** The arguments of the next event with this name. */
	async function received(client: RawClient, eventName: string): Promise<unknown> {
		for (;;) {
			const { msg, fields } = await client.next();
			const event = fields as { eventName?: string; args?: unknown } | undefined;
			if (msg === 'changed' && event?.eventName === eventName) return event.args;
		}
	}

	describe('over REST (section 6)', () => {
		it('GET e2e.fetchMyKeys returns what POST e2e.setUserPublicAndPrivateKeys has stored (4.2, 4.3 Write, #26753)', async () => {
			expect((await get(url('e2e.fetchMyKeys'), alice)).text).to.equal('{"success":true}');
			const keys = { public_key: '{"kty":"RSA"}', private_key: '{"$binary":"QUJD"}' };
			const stored = await postTo(SET_KEYS, alice, keys);
			expect([stored.status, stored.text]).to.deep.equal([200, '{"success":true}']);
			expect((await get(url('e2e.fetchMyKeys'), alice)).body).to.deep.equal({ ...keys, success: true });
		});

		it('POST e2e.setUserPublicAndPrivateKeys replaces keys only with force (4.3 Guard)', async () => {
			await postTo(SET_KEYS, alice, keyPair('1'));
			const refused = await postTo(SET_KEYS, alice, keyPair('1'));
			expect(refused.status).to.equal(400);
			expect(refused.body).to.deep.equal({
				success: false,
				error: 'Keys already set [error-keys-already-set]',
				errorType: 'error-keys-already-set',
				details: { method: SET_KEYS },
			});
			expect((await postTo(SET_KEYS, alice, { ...keyPair('2'), force: true })).status).to.equal(200);
			expect((await get(url('e2e.fetchMyKeys'), alice)).body).to.include(keyPair('2'));
		});

		it('POST e2e.setUserPublicAndPrivateKeys refuses invalid fields, as over DDP (4.3, 7.3)', async () => {
			for (const body of [{}, { public_key: 'p' }, { public_key: '', private_key: '' }]) {
				const { status, body: answer } = await postTo(SET_KEYS, alice, body);
				expect(status).to.equal(400);
				expect(answer).to.deep.equal({
					success: false,
					error: 'Invalid keys [error-invalid-keys]',
					errorType: 'error-invalid-keys',
					details: { method: SET_KEYS },
				});
			}
			for (const body of [{ ...keyPair('1'), public_key: 5 }, { ...keyPair('1'), force: 'true' }, [keyPair('1')]]) {
				expect((await postTo(SET_KEYS, alice, body)).status).to.equal(400);
			}
			expect((await get(url('e2e.fetchMyKeys'), alice)).text).to.equal('{"success":true}');
		});

		it('POST e2e.setUserPublicAndPrivateKeys refuses unknown fields, and accepts a URL-encoded form', async () => {
			expect((await postTo(SET_KEYS, alice, { ...keyPair('1'), other: 1 })).status).to.equal(400);
			const form = await request(url(SET_KEYS), {
				method: 'POST',
				headers: headersOf(bob),
				body: new URLSearchParams(keyPair('of bob')),
			});
			expect(form.text).to.equal('{"success":true}');
			expect((await get(url('e2e.fetchMyKeys'), bob)).body).to.include(keyPair('of bob'));
		});

		it('POST e2e.setUserPublicAndPrivateKeys answers a repeated Idempotency-Key with the first answer (E1)', async () => {
			for (let i = 0; i < 2; i++) {
				const { status } = await request(url(SET_KEYS), {
					method: 'POST',
					headers: { ...headersOf(alice), 'Content-Type': 'application/json', 'Idempotency-Key': 'once' },
					body: JSON.stringify(keyPair('1')),
				});
				expect(status).to.equal(200);
			}
		});

		it('GET e2e.keyHistory takes count and offset, and returns verifiable hashes (E15, T3)', async () => {
			await addRoom(app.store, [alice, bob]);
			for (const name of ['1', '2', '3']) await postTo(SET_KEYS, alice, { ...keyPair(name), force: true });
			const { status, body } = await get(url(`e2e.keyHistory?uid=${alice.id}&count=2&offset=1`), bob);
			expect(status).to.equal(200);
			expect(body).to.include({ success: true, count: 2, offset: 1, total: 3 });
			const [second, third] = body.history as { public_key: string; ts: string; previous: string; hash: string }[];
			expect([second?.public_key, third?.public_key]).to.deep.equal(['public 2', 'public 3']);
			const text = `${second?.hash}\n${Date.parse(third?.ts ?? '')}\npublic 3`;
			expect(third?.hash).to.equal(createHash('sha256').update(text).digest('hex'));
		});

		it('GET e2e.keyHistory refuses a caller who shares no room with the user', async () => {
			const { status, body } = await get(url(`e2e.keyHistory?uid=${alice.id}`), bob);
			expect(status).to.equal(400);
			expect(body).to.deep.equal({
				success: false,
				error: 'Invalid user [error-invalid-user]',
				errorType: 'error-invalid-user',
				details: { method: 'e2e.keyHistory' },
			});
		});

		it('POST users.resetE2EKey removes the keys and the token of the caller', async () => {
			await postTo(SET_KEYS, alice, keyPair('1'));
			expect((await postTo('users.resetE2EKey', alice, {})).text).to.equal('{"success":true}');
			expect((await get(url('e2e.fetchMyKeys'), alice)).status).to.equal(401);
		});

		it('POST users.resetE2EKey reports that a room key has no holder left (E11)', async () => {
			const rid = await addRoom(app.store, [], { encrypted: true });
			await addMember(app.store, rid, alice, { E2EKey: `key ${alice.id}` });
			const { text } = await postTo('users.resetE2EKey', alice, { userId: alice.id });
			expect(text).to.equal('{"lastKeyHolder":true,"success":true}');
		});

		for (const [what, as, body, errorType] of [
			['a caller without permission', () => bob, () => ({ userId: alice.id }), 'error-not-allowed'],
			['an unknown user', () => admin, () => ({ username: 'nobody' }), 'error-invalid-user-id'],
		] as const) {
			it(`POST users.resetE2EKey refuses ${what}`, async () => {
				const { status, body: answer } = await postTo('users.resetE2EKey', as(), body());
				expect(status).to.equal(400);
				expect(answer).to.deep.include({ success: false, errorType, details: { method: 'users.resetE2EKey' } });
			});
		}

		it('POST users.resetE2EKey lets an admin reset the keys of a user by name', async () => {
			await postTo(SET_KEYS, alice, keyPair('1'));
			expect((await postTo('users.resetE2EKey', admin, { username: alice.username })).text).to.equal(
				'{"success":true}',
			);
			expect((await get(url('me'), alice)).status).to.equal(401);
			expect((await get(url('me'), admin)).status).to.equal(200);
		});

		for (const [verb, endpoint] of [
			['GET', 'e2e.fetchMyKeys'],
			['GET', 'e2e.keyHistory'],
			['POST', SET_KEYS],
			['POST', 'users.resetE2EKey'],
		] as const) {
			it(`${verb} ${endpoint} answers 401 without credentials, and 405 for the other verb (7.2, 7.3)`, async () => {
				const answer = await (verb === 'GET' ? get(url(endpoint), null) : postTo(endpoint, null, {}));
				expect([answer.status, answer.text]).to.deep.equal([401, '{"success":false,"error":"unauthorized"}']);
				const other = await (verb === 'GET' ? postTo(endpoint, alice, {}) : get(url(endpoint), alice));
				expect(other.status).to.equal(405);
			});
		}

		it('method.call takes both keys in one object, as over DDP (section 8)', async () => {
			const message = stringify({ msg: 'method', id: '1', method: SET_KEYS, params: [keyPair('1')] });
			const { body } = await postTo(`method.call/${SET_KEYS}`, alice, { message });
			expect(parse(body.message as string)).to.deep.equal({ msg: 'result', id: '1' });
			expect((await get(url('e2e.fetchMyKeys'), alice)).body).to.include(keyPair('1'));
		});
	});

	describe('over DDP (section 4)', () => {
		it('e2e.setUserPublicAndPrivateKeys takes both keys in one object, and has no result (4.3 Return)', async () => {
			const client = await connect(alice);
			expect((await client.call('e2e.fetchMyKeys')).result).to.deep.equal({});
			const outcome = await client.call(SET_KEYS, keyPair('1'));
			expect(outcome).to.not.have.any.keys('result', 'error');
			expect((await client.call('e2e.fetchMyKeys')).result).to.deep.equal(keyPair('1'));
			expect((await client.call(SET_KEYS, keyPair('2'))).error).to.include({
				error: 'error-keys-already-set',
				reason: 'Keys already set',
			});
			expect((await client.call(SET_KEYS, 'public', 'private')).error).to.include({
				error: 400,
				reason: 'Match failed',
			});
		});

		for (const keys of [{ ...keyPair('1'), public_key: '' }, { ...keyPair('1'), private_key: '' }, {}]) {
			it(`a missing or empty key is refused: ${JSON.stringify(keys)} (4.3 DDP only)`, async () => {
				const client = await connect(alice);
				expect((await client.call(SET_KEYS, keys)).error).to.deep.include({
					error: 'error-invalid-keys',
					reason: 'Invalid keys',
					details: { method: SET_KEYS },
				});
			});
		}

		it('e2e.resetOwnE2EKey removes the field `e2e` of the user (2.1)', async () => {
			const stored = () => app.store.users.findOne({ _id: alice.id });
			expect(await stored()).to.not.have.property('e2e');
			const client = await connect(alice);
			await client.call(SET_KEYS, keyPair('1'));
			expect(await stored())
				.to.have.property('e2e')
				.that.includes(keyPair('1'));
			expect(await client.call('e2e.resetOwnE2EKey')).to.include({ result: true });
			expect(await stored()).to.not.have.property('e2e');
		});

		it('e2e.resetOwnE2EKey answers the caller, logs them out, and ends their other connections (4.7)', async () => {
			await postTo(SET_KEYS, alice, keyPair('1'));
			const [client, other] = [await connect(alice), await connect(alice)];
			await listen(other, `${alice.id}/force_logout`);
			expect(await client.call('e2e.resetOwnE2EKey')).to.include({ result: true });
			expect(await received(other, `${alice.id}/force_logout`)).to.deep.equal([]);
			await other.closed;
			expect((await client.call('e2e.fetchMyKeys')).error).to.include({ error: 'error-invalid-user' });
			expect((await client.call('login', { resume: alice.token })).error).to.include({ error: 403 });
		});

		it('e2e.resetUserE2EKey closes the connections of the user, but not that of the admin', async () => {
			const [client, adminClient] = [await connect(alice), await connect(admin)];
			expect(await adminClient.call('e2e.resetUserE2EKey', alice.id)).to.include({ result: true });
			await client.closed;
			expect((await adminClient.call('me')).error).to.equal(undefined);
		});
	});

	describe('events (10.4)', () => {
		it('first keys send members each room where the user waits (4.3 Queue, Notify)', async () => {
			const rid = await addRoom(app.store, [alice, bob], { encrypted: true });
			const client = await connect(bob);
			await listen(client, `${bob.id}/rooms-changed`);
			await postTo(SET_KEYS, alice, keyPair('1'));
			const [action, room] = (await received(client, `${bob.id}/rooms-changed`)) as [string, Record<string, unknown>];
			expect([action, room._id]).to.deep.equal(['updated', rid]);
			expect(room.usersWaitingForE2EKeys).to.have.nested.property('[0].userId', alice.id);
		});

		it('replaced keys send the user the memberships, and other members e2eIdentityChanged (E4, E15)', async () => {
			const rid = await addRoom(app.store, [bob], { encrypted: true });
			await addMember(app.store, rid, alice, { E2EKey: `key ${alice.id}` });
			await postTo(SET_KEYS, alice, keyPair('1'));
			const [own, others] = [await connect(alice), await connect(bob)];
			await listen(own, `${alice.id}/subscriptions-changed`);
			await listen(others, `${bob.id}/e2eIdentityChanged`);
			await postTo(SET_KEYS, alice, { ...keyPair('2'), force: true });
			const [action, membership] = (await received(own, `${alice.id}/subscriptions-changed`)) as [string, object];
			expect(action).to.equal('updated');
			expect(membership).to.not.have.property('E2EKey');
			expect(membership).to.have.nested.property('oldRoomKeys[0].E2EKey', `key ${alice.id}`);
			const [changed, entry] = (await received(others, `${bob.id}/e2eIdentityChanged`)) as [string, { ts: unknown }];
			expect(changed).to.equal(alice.id);
			expect(entry).to.have.all.keys('ts', 'hash');
			expect(entry.ts).to.be.instanceOf(Date);
		});
	});
});
