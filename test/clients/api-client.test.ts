/** `@rocket.chat/api-client`, unmodified and without DDP. */
import { RestClient } from '@rocket.chat/api-client';
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { authenticatorCode, WITH_AUTHENTICATOR, wrongCode } from '../support/factors.js';
import { publicKey } from '../support/keys.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { headersOf } from '../support/rest.js';

type Json = Record<string, unknown>;
/** The client without the types of `@rocket.chat/rest-typings`, which lack some endpoints. */
type Rest = Pick<RestClient, 'setCredentials' | 'handleTwoFactorChallenge'> & {
	get(endpoint: string, params?: object): Promise<Json>;
	post(endpoint: string, params?: object): Promise<Json>;
};

describe('@rocket.chat/api-client', () => {
	let app: TestApp;

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());

	function clientOf(person?: Person): Rest {
		const credentials = person && (headersOf(person) as { 'X-User-Id': string; 'X-Auth-Token': string });
		return new RestClient({ baseUrl: app.url, ...(credentials && { credentials }) }) as unknown as Rest;
	}

	async function refusedWith(call: Promise<unknown>): Promise<{ status: number; body: Json }> {
		const response = (await rejection(call)) as unknown as Response;
		return { status: response.status, body: (await response.json()) as Json };
	}

	it('logs in, and uses the credentials it is given', async () => {
		const person = await addPerson(app.store, { password: 'secret' });
		const rest = clientOf();
		expect(await refusedWith(rest.get('/v1/me'))).to.have.property('status', 401);
		const { data } = await rest.post('/v1/login', { user: person.username, password: 'secret' });
		const { userId, authToken } = data as { userId: string; authToken: string };
		rest.setCredentials({ 'X-User-Id': userId, 'X-Auth-Token': authToken });
		expect(await rest.get('/v1/me')).to.include({ _id: person.id, success: true });
	});

	it('sets a key id, and reads why a second call is refused', async () => {
		const person = await addPerson(app.store);
		const rest = clientOf(person);
		const rid = await addRoom(app.store, [person]);
		expect(await rest.post('/v1/e2e.setRoomKeyID', { rid, keyID: 'k' })).to.deep.equal({ success: true });
		expect(await keyIdOf(app.store, rid)).to.equal('k');
		expect(await refusedWith(rest.post('/v1/e2e.setRoomKeyID', { rid, keyID: 'k' }))).to.deep.equal({
			status: 400,
			body: {
				success: false,
				error: 'E2E Key ID already exists [error-room-e2e-key-already-exists]',
				errorType: 'error-room-e2e-key-already-exists',
				details: { method: 'e2e.setRoomKeyID' },
			},
		});
	});

	it('fetches the waiting members of several rooms, with a list in the query', async () => {
		const [alice, bob] = [await addPerson(app.store), await addPerson(app.store)];
		const [asAlice, asBob] = [clientOf(alice), clientOf(bob)];
		for (const [rest, name] of [
			[asAlice, 'alice'],
			[asBob, 'bob'],
		] as const) {
			const keys = { public_key: publicKey(name), private_key: `private of ${name}` };
			await rest.post('/v1/e2e.setUserPublicAndPrivateKeys', keys);
		}
		const rids: string[] = [];
		for (const name of ['one', 'two']) {
			const { group } = await asAlice.post('/v1/groups.create', {
				name,
				members: [bob.username],
				extraData: { encrypted: true },
			});
			const { _id: rid } = group as { _id: string };
			await asAlice.post('/v1/e2e.setRoomKeyID', { rid, keyID: name });
			await asAlice.post('/v1/e2e.updateGroupKey', { rid, uid: alice.id, key: `${name} sealed for alice` });
			rids.push(rid);
		}
		await asBob.post('/v1/e2e.requestSubscriptionKeys');
		const { usersWaitingForE2EKeys } = await asAlice.get('/v1/e2e.fetchUsersWaitingForGroupKey', { roomIds: rids });
		const waiting = [{ _id: bob.id, public_key: publicKey('bob') }];
		expect(usersWaitingForE2EKeys).to.deep.equal(Object.fromEntries(rids.map((rid) => [rid, waiting])));
	});

	it('asks for a second factor, and again after a wrong code', async () => {
		const rest = clientOf(await addPerson(app.store, { services: WITH_AUTHENTICATOR }));
		const asked: unknown[] = [];
		const codes = [wrongCode(), authenticatorCode()];
		rest.handleTwoFactorChallenge(async ({ method, invalidAttempt }) => {
			asked.push([method, invalidAttempt]);
			return codes.shift() as string;
		});
		expect(await rest.post('/v1/users.resetE2EKey', {})).to.include({ success: true });
		expect(asked).to.deep.equal([
			['totp', false],
			['totp', true],
		]);
	});
});
