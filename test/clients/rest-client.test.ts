/** The REST client of `@rocket.chat/ddp-client`, unmodified. */
import { DDPSDK } from '@rocket.chat/ddp-client';
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { publicKey } from '../support/keys.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { set } from '../support/settings.js';
import { BrowserWebSocket } from '../support/transports.js';

type Json = Record<string, unknown>;
/** The client without the types of `@rocket.chat/rest-typings`, which lack some endpoints. */
interface Rest {
	get(endpoint: string, params?: object): Promise<Json>;
	post(endpoint: string, params?: object): Promise<Json>;
}

describe('the REST client of @rocket.chat/ddp-client', () => {
	let app: TestApp;
	const sdks: DDPSDK[] = [];

	before(async () => {
		Object.assign(globalThis, { WebSocket: BrowserWebSocket });
		app = await startApp();
	});
	afterEach(() => {
		for (const sdk of sdks.splice(0)) sdk.connection.close();
	});
	after(() => app.close());

	async function logIn({ token }: Person): Promise<Rest> {
		const sdk = DDPSDK.create(app.url);
		sdks.push(sdk);
		await sdk.connection.connect();
		await sdk.account.loginWithToken(token);
		return sdk.rest as unknown as Rest;
	}

	it('stores identity keys, gives a member the room key, and resets the room key', async () => {
		await set(app.store, 'E2E_Enable', true);
		const alice = await addPerson(app.store, { username: 'alice' });
		const bob = await addPerson(app.store, { username: 'bob' });
		const asAlice = await logIn(alice);
		const asBob = await logIn(bob);
		for (const [rest, name] of [
			[asAlice, 'alice'],
			[asBob, 'bob'],
		] as const) {
			expect(await rest.get('/v1/e2e.fetchMyKeys')).to.deep.equal({ success: true });
			const keys = { public_key: publicKey(name), private_key: `private of ${name}` };
			expect(await rest.post('/v1/e2e.setUserPublicAndPrivateKeys', keys)).to.deep.equal({ success: true });
			expect(await rest.get('/v1/e2e.fetchMyKeys')).to.deep.equal({ ...keys, success: true });
		}

		const made = await asAlice.post('/v1/groups.create', {
			name: 'keys',
			members: ['bob'],
			extraData: { encrypted: true },
		});
		const { _id: rid } = made.group as { _id: string };
		expect(await asAlice.post('/v1/e2e.setRoomKeyID', { rid, keyID: 'first' })).to.deep.equal({ success: true });
		await asAlice.post('/v1/e2e.updateGroupKey', { rid, uid: alice.id, key: 'sealed for alice' });

		// The client sends an empty body, with the content type of JSON.
		expect(await asBob.post('/v1/e2e.requestSubscriptionKeys')).to.deep.equal({ success: true });
		// The client writes lists as `roomIds[]=`.
		const waiting = { usersWaitingForE2EKeys: { [rid]: [{ _id: bob.id, public_key: publicKey('bob') }] } };
		expect(await asAlice.get('/v1/e2e.fetchUsersWaitingForGroupKey', { roomIds: [rid] })).to.deep.include(waiting);
		const { users } = await asAlice.get('/v1/e2e.getUsersOfRoomWithoutKey', { rid });
		expect(users).to.deep.equal([{ _id: bob.id, e2e: { public_key: publicKey('bob') } }]);
		await asAlice.post('/v1/e2e.provideUsersSuggestedGroupKeys', {
			usersSuggestedGroupKeys: { [rid]: [{ _id: bob.id, key: 'sealed for bob' }] },
		});

		const { subscription } = await asBob.get('/v1/subscriptions.getOne', { roomId: rid });
		expect(subscription).to.include({ rid, E2ESuggestedKey: 'sealed for bob' });
		await asBob.post('/v1/e2e.acceptSuggestedGroupKey', { rid });
		const { update: memberships } = await asBob.get('/v1/subscriptions.get');
		expect(memberships).to.have.lengthOf(1);
		expect(memberships).to.have.nested.property('[0].E2EKey', 'sealed for bob');

		const reset = { rid, e2eKey: 'sealed anew for alice', e2eKeyId: 'second' };
		expect(await asAlice.post('/v1/e2e.resetRoomKey', reset)).to.deep.equal({ success: true });
		const { update: rooms } = await asBob.get('/v1/rooms.get', { updatedSince: new Date(0).toISOString() });
		expect(rooms).to.have.nested.property('[0].e2eKeyId', 'second');
	});

	it('throws the response of a refused call', async () => {
		const rest = await logIn(await addPerson(app.store));
		const refused = (await rejection(rest.post('/v1/e2e.setRoomKeyID', { rid: 'nowhere', keyID: 'k' }))) as unknown;
		expect(refused).to.be.an.instanceOf(Response).with.property('status', 400);
		expect(await (refused as Response).json()).to.include({ success: false, errorType: 'error-invalid-room' });
	});
});
