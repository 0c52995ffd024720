/**
 * The requests and answers of the endpoints in test/contract/rocketchat-e2e.md section 6. Other files test what the methods
 * do.
 */
import { expect } from 'chai';
import { parse, stringify } from '../../shared/ejson.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import { identity, publicKey, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { headersOf, post, request } from '../support/rest.js';
import { during } from '../support/settings.js';

/** A room whose key `k` the owner holds and the member lacks. */
interface World {
	readonly owner: Person;
	readonly member: Person;
	readonly rid: string;
}

interface Endpoint {
	/** The section of the contract. */
	readonly at: string;
	readonly verb: 'GET' | 'POST';
	readonly path: string;
	readonly as: 'owner' | 'member';
	/** Fields of the room. */
	readonly room?: object;
	/** Fields of the member's membership. */
	readonly membership?: () => object;
	/** Fields of the query or the body. */
	readonly fields: (world: World) => Record<string, unknown>;
	/** Parameters over DDP, if they are not the values of `fields`. */
	readonly params?: (world: World) => readonly unknown[];
	/** What the answer contains besides `success`. */
	readonly payload?: (world: World) => object;
	/** The result over DDP, if it differs from `payload`. */
	readonly result?: unknown;
	/** The error of a call without fields. Null if the method needs no fields. */
	readonly missing: string | null;
}

const MISSING_STRING = 'Match error: Expected string, got undefined';
const keys = { public_key: '{"kty":"RSA"}', private_key: '{"$binary":"QUJD"}', force: true };
const PUBLIC = publicKey('member');

const endpoints: Endpoint[] = [
	{
		at: '4.2',
		verb: 'GET',
		path: 'e2e.fetchMyKeys',
		as: 'member',
		fields: () => ({}),
		payload: () => identity('member').e2e,
		missing: null,
	},
	{
		at: '4.5',
		verb: 'GET',
		path: 'e2e.getUsersOfRoomWithoutKey',
		as: 'owner',
		fields: ({ rid }) => ({ rid }),
		payload: ({ member }) => ({ users: [{ _id: member.id, e2e: { public_key: PUBLIC } }] }),
		missing: MISSING_STRING,
	},
	{
		at: '4.1',
		verb: 'POST',
		path: 'e2e.setRoomKeyID',
		as: 'member',
		room: { e2eKeyId: null },
		fields: ({ rid }) => ({ rid, keyID: 'k' }),
		missing: MISSING_STRING,
	},
	{
		at: '4.3',
		verb: 'POST',
		path: 'e2e.setUserPublicAndPrivateKeys',
		as: 'member',
		fields: () => keys,
		params: () => [keys],
		missing: 'Invalid keys [error-invalid-keys]',
	},
	{
		at: '4.4',
		verb: 'POST',
		path: 'e2e.updateGroupKey',
		as: 'owner',
		fields: ({ rid, member }) => ({ rid, uid: member.id, key: sealed('k') }),
		missing: MISSING_STRING,
	},
	{
		at: '4.8',
		verb: 'POST',
		path: 'e2e.acceptSuggestedGroupKey',
		as: 'member',
		membership: () => ({ E2ESuggestedKey: sealed('k') }),
		fields: ({ rid }) => ({ rid }),
		missing: MISSING_STRING,
	},
	{
		at: '4.8',
		verb: 'POST',
		path: 'e2e.rejectSuggestedGroupKey',
		as: 'member',
		membership: () => ({ E2ESuggestedKey: sealed('k') }),
		fields: ({ rid }) => ({ rid }),
		missing: MISSING_STRING,
	},
	{
		at: '5.3',
		verb: 'GET',
		path: 'e2e.fetchUsersWaitingForGroupKey',
		as: 'owner',
		fields: ({ rid }) => ({ roomIds: rid }),
		params: ({ rid }) => [[rid]],
		payload: ({ rid, member }) => ({ usersWaitingForE2EKeys: { [rid]: [{ _id: member.id, public_key: PUBLIC }] } }),
		missing: 'Match error: Expected array, got undefined',
	},
	{
		at: '5.4',
		verb: 'POST',
		path: 'e2e.provideUsersSuggestedGroupKeys',
		as: 'owner',
		fields: ({ rid, member }) => ({
			usersSuggestedGroupKeys: {
				[rid]: [
					{
						_id: member.id,
						key: sealed('k'),
						oldKeys: [{ e2eKeyId: 'j', ts: '2025-01-01T00:00:00.000Z', E2EKey: sealed('j') }],
					},
				],
			},
		}),
		missing: 'Match error: Expected object, got undefined',
	},
	{
		at: '6.1',
		verb: 'POST',
		path: 'e2e.resetRoomKey',
		as: 'owner',
		fields: ({ rid }) => ({ rid, e2eKey: sealed('new'), e2eKeyId: 'new' }),
		missing: MISSING_STRING,
	},
	{
		at: '4.6',
		verb: 'POST',
		path: 'e2e.requestSubscriptionKeys',
		as: 'member',
		fields: () => ({}),
		result: true,
		missing: null,
	},
	{
		at: '4.7',
		verb: 'POST',
		path: 'users.resetE2EKey',
		as: 'member',
		fields: ({ member }) => ({ userId: member.id }),
		missing: null,
	},
];

const onlyOverDdp = [
	{ path: 'e2e.resetOwnE2EKey', params: () => [], result: true },
	{ path: 'e2e.resetUserE2EKey', params: ({ member }: World) => [member.id], result: true },
] as const;

describe('the endpoints of section 6', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());

	const url = (path: string) => `${app.url}/api/v1/${path}`;

	async function newWorld({ room = {}, membership }: Partial<Endpoint> = {}): Promise<World> {
		const owner = await addPerson(app.store, identity('owner'));
		const member = await addPerson(app.store, identity('member'));
		const rid = await addRoom(app.store, [], { encrypted: true, e2eKeyId: 'k', ...room });
		await addMember(app.store, rid, owner, { E2EKey: sealed('k'), roles: ['owner'] });
		await addMember(app.store, rid, member, membership?.());
		return { owner, member, rid };
	}

	function ask(endpoint: Pick<Endpoint, 'verb' | 'path'>, as: Person | null, fields: Record<string, unknown>) {
		const { verb, path } = endpoint;
		if (verb === 'POST') return post(url(path), as, fields);
		return request(`${url(path)}?${new URLSearchParams(fields as Record<string, string>)}`, {
			headers: as ? headersOf(as) : {},
		});
	}

	async function connect(as: Person | null): Promise<RawClient> {
		const client = await clients.connect(app.webSocketUrl);
		if (as) await client.call('login', { resume: as.token });
		return client;
	}

	const paramsOf = ({ params, fields }: Endpoint, world: World) => params?.(world) ?? Object.values(fields(world));

	for (const endpoint of endpoints) {
		const { at, verb, path, as, fields, payload, result, missing } = endpoint;

		it(`${verb} ${path} answers 200 with its payload and success, and nothing else (6, ${at})`, async () => {
			const world = await newWorld(endpoint);
			const { status, body, headers } = await ask(endpoint, world[as], fields(world));
			expect({ status, body }).to.deep.equal({ status: 200, body: { ...payload?.(world), success: true } });
			expect(headers.get('content-type')).to.equal('application/json');
		});

		it(`${verb} ${path} refuses an unknown field`, async () => {
			const world = await newWorld(endpoint);
			const { status } = await ask(endpoint, world[as], { ...fields(world), unknown: 'field' });
			expect(status).to.equal(400);
		});

		it(`${verb} ${path} without credentials answers 401, whatever the arguments (6, 7.2)`, async () => {
			for (const stranger of [null, { id: 'nobody', username: 'nobody', token: 'none' }]) {
				const { status, text } = await ask(endpoint, stranger, {});
				expect({ status, text }).to.deep.equal({ status: 401, text: '{"success":false,"error":"unauthorized"}' });
			}
		});

		it(`${path} answers other verbs than ${verb} with 405 and Allow (6, 7.3)`, async () => {
			const { owner } = await newWorld();
			for (const other of ['GET', 'POST', 'PUT', 'DELETE'].filter((one) => one !== verb)) {
				const { status, headers, body } = await request(url(path), { method: other, headers: headersOf(owner) });
				expect([status, headers.get('allow')]).to.deep.equal([405, verb === 'GET' ? 'GET, HEAD' : 'POST']);
				expect(body).to.include({ status: 'error', message: 'API endpoint does not exist', success: false });
			}
		});

		if (missing !== null) {
			it(`${verb} ${path} without fields says what is missing (6, 7.3)`, async () => {
				const world = await newWorld(endpoint);
				const { status, body } = await ask(endpoint, world[as], {});
				expect([status, body.success, body.error]).to.deep.equal([400, false, missing]);
				const isMatch = missing.startsWith('Match error');
				expect(body).to.have.all.keys(isMatch ? ['success', 'error'] : ['success', 'error', 'errorType', 'details']);
				if (!isMatch) expect(body.details).to.deep.equal({ method: path });
			});
		}

		const answer = (world: World) => result ?? payload?.(world);

		it(`method.call/${path} answers the EJSON text of a result (8, ${at})`, async () => {
			const world = await newWorld(endpoint);
			const message = stringify({ msg: 'method', id: '1', method: path, params: paramsOf(endpoint, world) });
			const { status, body } = await post(url(`method.call/${path}`), world[as], { message });
			const value = answer(world);
			expect({ status, success: body.success }).to.deep.equal({ status: 200, success: true });
			expect(body).to.have.all.keys('message', 'success');
			expect(parse(body.message as string)).to.deep.equal({
				msg: 'result',
				id: '1',
				...(value !== undefined && { result: value }),
			});
		});

		it(`${path} over DDP answers its result, if it has one (4, ${at})`, async () => {
			const world = await newWorld(endpoint);
			const value = answer(world);
			const outcome = await (await connect(world[as])).callWithId('m', path, ...paramsOf(endpoint, world));
			expect(outcome).to.deep.equal({ msg: 'result', id: 'm', ...(value !== undefined && { result: value }) });
		});
	}

	for (const { path, params, result } of onlyOverDdp) {
		it(`${path} answers ${result} over DDP, and has no REST route (4)`, async () => {
			const world = await newWorld();
			const caller = path === 'e2e.resetOwnE2EKey' ? world.member : await addPerson(app.store, { roles: ['admin'] });
			const { status, text } = await post(url(path), caller, {});
			expect({ status, text }).to.deep.equal({
				status: 404,
				text: '{"success":false,"error":"Resource not found"}',
			});
			const outcome = await (await connect(caller)).callWithId('m', path, ...params(world));
			expect(outcome).to.deep.equal({ msg: 'result', id: 'm', result });
		});
	}

	for (const endpoint of [...endpoints, ...onlyOverDdp]) {
		const { path } = endpoint;
		it(`${path} refuses a caller without a login, and names the method (4, 8)`, async () => {
			const world = await newWorld();
			const params = 'at' in endpoint ? paramsOf(endpoint, world) : endpoint.params(world);
			const error = {
				isClientSafe: true,
				error: 'error-invalid-user',
				reason: 'Invalid user',
				details: { method: path },
				message: 'Invalid user [error-invalid-user]',
				errorType: 'Meteor.Error',
			};
			const outcome = await (await connect(null)).callWithId('m', path, ...params);
			expect(outcome).to.deep.equal({ msg: 'result', id: 'm', error });
			const message = stringify({ msg: 'method', id: '1', method: path, params });
			const { status, body } = await post(url(`method.callAnon/${path}`), null, { message });
			expect([status, body.success]).to.deep.equal([400, false]);
			expect(parse(body.message as string)).to.deep.equal({ msg: 'result', id: '1', error });
		});
	}

	it('answer 200 while E2E_Enable is off, two of them without effect (6, 11)', async () => {
		await during(app.store, 'E2E_Enable', false, async () => {
			for (const endpoint of endpoints) {
				const { path, as, fields, payload } = endpoint;
				const world = await newWorld(endpoint);
				const { status, body } = await ask(endpoint, world[as], fields(world));
				const expected =
					path === 'e2e.fetchUsersWaitingForGroupKey' ? { usersWaitingForE2EKeys: {} } : payload?.(world);
				expect({ path, status, body }).to.deep.equal({ path, status: 200, body: { ...expected, success: true } });
				const membership = await app.store.subscriptions.findOne({ rid: world.rid, 'u._id': world.member.id });
				if (path === 'e2e.provideUsersSuggestedGroupKeys') expect(membership).to.not.have.property('E2ESuggestedKey');
			}
		});
	});
});
