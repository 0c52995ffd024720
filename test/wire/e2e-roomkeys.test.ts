/**
 * Room keys over REST and DDP. Titles cite sections of test/contract/rocketchat-e2e.md. E and T are rows of beyond.md
 * there, and # is an issue or pull request of Rocket.Chat in section 12.
 */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { identity, membershipOf, publicKey, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { get, headersOf, post, request } from '../support/rest.js';

const SUCCESS = { status: 200, text: '{"success":true}' };

describe('room keys over REST and DDP', () => {
	let app: TestApp;
	let alice: Person;
	let bob: Person;

	before(async () => {
		app = await startApp();
		alice = await addPerson(app.store, identity('alice'));
		bob = await addPerson(app.store, identity('bob'));
	});
	after(() => app.close());

	const url = (path: string) => `${app.url}/api/v1/${path}`;
	/** Makes a room whose key alice holds and bob lacks. */
	const addRoomWhereBobLacksKey = async () => {
		const rid = await addRoom(app.store, [bob], { encrypted: true, e2eKeyId: 'k' });
		await addMember(app.store, rid, alice, { E2EKey: sealed('k') });
		return rid;
	};

	async function send(as: Person | null, path: string, body: unknown = {}) {
		const { status, text } = await post(url(path), as, body);
		return { status, text };
	}

	async function read(as: Person | null, path: string) {
		const { status, body } = await get(url(path), as);
		return { status, body };
	}

	async function connect(as: Person): Promise<RawClient> {
		const client = await RawClient.connect(app.webSocketUrl);
		await client.call('login', { resume: as.token });
		return client;
	}

	it('e2e.updateGroupKey stores an own key, and offers a key to others (6, 4.4)', async () => {
		const rid = await addRoom(app.store, [alice, bob], { encrypted: true, e2eKeyId: 'k' });
		const [own, offered] = [sealed('k'), sealed('k')];
		expect(await send(alice, 'e2e.updateGroupKey', { uid: alice.id, rid, key: own })).to.deep.equal(SUCCESS);
		expect(await send(alice, 'e2e.updateGroupKey', { uid: bob.id, rid, key: offered })).to.deep.equal(SUCCESS);
		expect((await membershipOf(app.store, rid, alice)).E2EKey).to.equal(own);
		expect((await membershipOf(app.store, rid, bob)).E2ESuggestedKey).to.equal(offered);
	});

	it('e2e.acceptSuggestedGroupKey and e2e.rejectSuggestedGroupKey succeed once for each offered key (6, 4.8)', async () => {
		for (const path of ['e2e.acceptSuggestedGroupKey', 'e2e.rejectSuggestedGroupKey']) {
			const rid = await addRoomWhereBobLacksKey();
			await app.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { E2ESuggestedKey: sealed('k') } });
			expect(await send(bob, path, { rid })).to.deep.equal(SUCCESS);
			expect(await post(url(path), bob, { rid })).to.deep.include({
				status: 400,
				body: {
					success: false,
					error: 'No suggested key available [error-no-suggested-key-available]',
					errorType: 'error-no-suggested-key-available',
					details: { method: path },
				},
			});
			expect((await post(url(path), bob, { rid: 'nowhere' })).body).to.deep.equal({
				success: false,
				error: 'Subscription not found [error-subscription-not-found]',
				errorType: 'error-subscription-not-found',
				details: { method: path },
			});
		}
	});

	it('e2e.getUsersOfRoomWithoutKey reads rid, count and offset from the query (6, 4.5, T3)', async () => {
		const rid = await addRoomWhereBobLacksKey();
		const users = [{ _id: bob.id, e2e: { public_key: publicKey('bob') } }];
		expect(await read(alice, `e2e.getUsersOfRoomWithoutKey?rid=${rid}`)).to.deep.equal({
			status: 200,
			body: { users, success: true },
		});
		expect(await read(alice, `e2e.getUsersOfRoomWithoutKey?rid=${rid}&count=10&offset=0`)).to.deep.equal({
			status: 200,
			body: { users, total: 1, success: true },
		});
		expect(await read(alice, 'e2e.getUsersOfRoomWithoutKey')).to.deep.equal({
			status: 400,
			body: { success: false, error: 'Match error: Expected string, got undefined' },
		});
	});

	it('e2e.requestSubscriptionKeys returns true over DDP and only success over REST (6, 4.6)', async () => {
		await addRoomWhereBobLacksKey();
		const { status, text } = await request(url('e2e.requestSubscriptionKeys'), {
			method: 'POST',
			headers: headersOf(bob),
		});
		expect({ status, text }).to.deep.equal(SUCCESS);
		const client = await connect(bob);
		expect((await client.call('e2e.requestSubscriptionKeys')).result).to.equal(true);
		await client.close();
	});

	it('users who may see the room receive the request for its key (4.6, 10.2)', async () => {
		const rid = await addRoomWhereBobLacksKey();
		const reader = await connect(alice);
		reader.send({ msg: 'sub', id: 's', name: 'stream-notify-room', params: [`${rid}/e2e.keyRequest`, false] });
		while ((await reader.next()).msg !== 'ready');
		await send(bob, 'e2e.requestSubscriptionKeys');
		expect(await reader.next()).to.deep.include({ fields: { eventName: `${rid}/e2e.keyRequest`, args: ['k'] } });
		await reader.close();
	});

	it('e2e.fetchUsersWaitingForGroupKey accepts roomIds in each form of a list in a query (6, 5.3)', async () => {
		const rids = [await addRoomWhereBobLacksKey(), await addRoomWhereBobLacksKey()] as const;
		const waiting = [{ _id: bob.id, public_key: publicKey('bob') }];
		const foreign = await addRoom(app.store, [bob], { e2eKeyId: 'k' });
		for (const [query, expectedRids] of [
			[`roomIds=${rids[0]}`, [rids[0]]],
			[`roomIds=${rids[0]}&roomIds=${rids[1]}`, rids],
			[`roomIds[]=${rids[0]}&roomIds[]=${rids[1]}`, rids],
			[`roomIds[]=${rids[1]}`, [rids[1]]],
			[`roomIds=${foreign}&roomIds=${rids[1]}`, [rids[1]]],
			[`roomIds=${foreign}`, []],
		] as const) {
			expect(await read(alice, `e2e.fetchUsersWaitingForGroupKey?${query}`), query).to.deep.equal({
				status: 200,
				body: {
					usersWaitingForE2EKeys: Object.fromEntries(expectedRids.map((rid) => [rid, waiting])),
					success: true,
				},
			});
		}
	});

	it('e2e.provideUsersSuggestedGroupKeys accepts old keys with times in JSON and in EJSON (6, 5.4)', async () => {
		const ts = new Date(5000);
		const oldKeys = [{ e2eKeyId: 'former', ts, E2EKey: sealed('former') }];
		const rid = await addRoomWhereBobLacksKey();
		const body = { usersSuggestedGroupKeys: { [rid]: [{ _id: bob.id, key: sealed('k'), oldKeys }] } };
		expect(await send(alice, 'e2e.provideUsersSuggestedGroupKeys', body)).to.deep.equal(SUCCESS);
		expect((await membershipOf(app.store, rid, bob)).suggestedOldRoomKeys?.[0]?.ts).to.deep.equal(ts);

		const other = await addRoomWhereBobLacksKey();
		const client = await connect(alice);
		const map = { [other]: [{ _id: bob.id, key: sealed('k'), oldKeys }] };
		expect(await client.call('e2e.provideUsersSuggestedGroupKeys', map)).not.to.have.any.keys('error', 'result');
		expect((await membershipOf(app.store, other, bob)).suggestedOldRoomKeys?.[0]?.ts).to.deep.equal(ts);
		await client.close();
	});

	it('e2e.setOrGetRoomKeyID sets key id and key, or returns the existing key id (E8)', async () => {
		const rid = await addRoom(app.store, [alice, bob], { encrypted: true });
		const key = sealed('k');
		const path = url('e2e.setOrGetRoomKeyID');
		expect((await post(path, alice, { rid, keyID: 'k', key })).body).to.deep.equal({ keyID: 'k', success: true });
		expect((await post(path, bob, { rid, keyID: 'b' })).body).to.deep.equal({ keyID: 'k', success: true });
		expect((await membershipOf(app.store, rid, alice)).E2EKey).to.equal(key);
		expect(await queueOf(app.store, rid)).to.deep.equal([bob.id]);
	});

	it('e2e.updateGroupKey refuses a key with another key id than the room (E6, 7.3)', async () => {
		const rid = await addRoomWhereBobLacksKey();
		const { status, body } = await post(url('e2e.updateGroupKey'), alice, { uid: bob.id, rid, key: sealed('other') });
		expect({ status, body }).to.deep.equal({
			status: 400,
			body: {
				success: false,
				error: 'This is not a key with the key id of the room [error-key-id-mismatch]',
				errorType: 'error-key-id-mismatch',
				details: { method: 'e2e.updateGroupKey' },
			},
		});
	});

	it('e2e.updateGroupKey refuses a key of another membership, without showing the key (2.3, 7.3)', async () => {
		const rid = await addRoom(app.store, [alice, bob], { e2eKeyId: 'k' });
		const key = sealed('k');
		await post(url('e2e.updateGroupKey'), alice, { uid: alice.id, rid, key });
		const { status, body } = await post(url('e2e.updateGroupKey'), bob, { uid: bob.id, rid, key });
		expect([status, body.errorType]).to.deep.equal([400, 'error-key-in-use']);
		expect(JSON.stringify(body)).not.to.include(key);
	});

	it('e2e.setRoomKeyID queues a caller who comes too late (12 #36731)', async () => {
		const rid = await addRoom(app.store, [alice, bob], { encrypted: true });
		await post(url('e2e.setRoomKeyID'), alice, { rid, keyID: 'a' });
		const { status, body } = await post(url('e2e.setRoomKeyID'), bob, { rid, keyID: 'b' });
		expect([status, body.errorType]).to.deep.equal([400, 'error-room-e2e-key-already-exists']);
		expect(await keyIdOf(app.store, rid)).to.equal('a');
		expect(await queueOf(app.store, rid)).to.deep.equal([bob.id]);
	});

	for (const [verb, path] of [
		['POST', 'e2e.updateGroupKey'],
		['POST', 'e2e.acceptSuggestedGroupKey'],
		['POST', 'e2e.rejectSuggestedGroupKey'],
		['GET', 'e2e.getUsersOfRoomWithoutKey'],
		['POST', 'e2e.requestSubscriptionKeys'],
		['GET', 'e2e.fetchUsersWaitingForGroupKey'],
		['POST', 'e2e.provideUsersSuggestedGroupKeys'],
		['POST', 'e2e.setOrGetRoomKeyID'],
		['POST', 'chat.sendMessage'],
	] as const) {
		it(`${verb} ${path} requires a login, and refuses the other verb (6)`, async () => {
			const answer = await request(url(path), { method: verb });
			expect({ status: answer.status, text: answer.text }).to.deep.equal({
				status: 401,
				text: '{"success":false,"error":"unauthorized"}',
			});
			const other = await request(url(path), { method: verb === 'GET' ? 'POST' : 'GET', headers: headersOf(alice) });
			expect(other.status).to.equal(405);
		});
	}

	it('chat messages are not supported, over either transport (beyond.md 3)', async () => {
		const client = await connect(alice);
		for (const name of ['sendMessage', 'chat.sendMessage']) {
			const { error } = await client.call(name, { rid: 'room', msg: 'hello' });
			expect(error).to.include({ error: 'error-not-supported' });
		}
		await client.close();
		const { status, body } = await post(url('chat.sendMessage'), alice, { message: { rid: 'room', msg: 'hello' } });
		expect([status, body.errorType]).to.deep.equal([400, 'error-not-supported']);
	});

	it('calls over DDP and REST count towards one limit (T2)', async () => {
		const limited = await startApp({ rateLimit: 'on' });
		const carol = await addPerson(limited.store);
		const client = await RawClient.connect(limited.webSocketUrl);
		await client.call('login', { resume: carol.token });
		await client.call('e2e.updateGroupKey', 'room', carol.id, 'key');
		await client.close();
		const { headers } = await post(`${limited.url}/api/v1/e2e.updateGroupKey`, carol, {});
		expect(headers.get('x-ratelimit-limit')).to.equal('600');
		expect(headers.get('x-ratelimit-remaining')).to.equal('598');
		await limited.close();
	});
});
