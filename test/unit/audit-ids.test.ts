/** The field `about` of audit events: ids of found documents, switches, names of changed fields; no text of a client. */
import { expect } from 'chai';
import { methods } from '../../methods/index.js';
import { hashToken, tokenId } from '../../methods/model/users/tokens.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { method } from '../../shared/method.js';
import { RawClient } from '../support/ddp.js';
import { memoryLog } from '../support/log.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { post } from '../support/rest.js';

/** Audited methods that concern only their caller. They are not tested here. */
const ABOUT_CALLER: ReadonlySet<string> = new Set([
	'changePassword',
	'login',
	'logout',
	'logoutOtherClients',
	'removeOtherTokens',
	'users.logoutOtherClients',
	'users.removeOtherTokens',
	'e2e.setUserPublicAndPrivateKeys',
]);

const dismiss = method({
	name: 'own.dismiss',
	audit: true,
	summary: 'Deletes a user',
	args: { who: String },
	rest: 'POST',
	run: ({ who }, context) => context.call('users.delete', undefined, who),
});

describe('the field `about` of audit events', () => {
	let server: OpenServer;
	let log: ReturnType<typeof memoryLog>;
	let admin: Person;
	let bob: Person;

	before(async () => {
		log = memoryLog();
		const options = { port: 0, store: { memory: true }, keys: true, rateLimit: 'off', signUps: true } as const;
		server = await openServer({ ...options, log, grace: 100, methods: [dismiss] });
		admin = await addPerson(server.store, { roles: ['admin', 'user'] });
	});
	after(() => server.close());
	beforeEach(async () => {
		bob = await addPerson(server.store, { e2e: { public_key: 'public', private_key: 'private' } });
	});

	/** @returns `about` in the audit event of a call over DDP */
	async function aboutOf(name: string, args: Record<string, unknown>, as: Person | null = admin): Promise<object> {
		const definition = [...methods, dismiss].find((one) => one.name === name);
		const client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
		if (as) await client.call('login', { resume: as.token });
		const params = (definition?.args ?? []).map(([arg]) => args[arg]);
		const { error } = await client.call(name, ...params);
		expect(error, name).to.equal(undefined);
		const line = log.lines.findLast(({ facts }) => (facts as { method?: string }).method === name && 'about' in facts);
		expect(line?.facts, name).to.include({ audit: true, outcome: 'ok', ...(as && { userId: as.id }) });
		await client.close();
		return (line as { facts: { about: object } }).facts.about;
	}

	type Case = readonly [args: Record<string, unknown>, about: object, as?: Person | null];

	/**
	 * For each method, a call and its `about`. The arguments are names instead of ids, where the method accepts them.
	 * For a new user, `userId` is the username here, because the id is not known yet.
	 */
	const cases: Readonly<Record<string, () => Case | Promise<Case>>> = {
		createUser: async () => [{ options: { username: 'carl', password: 'a-long-one' } }, { userId: 'carl' }, null],
		'users.create': () => [
			{ email: 'c@example.com', name: 'C', username: 'cora', password: 'a-long-one' },
			{ userId: 'cora' },
		],
		'users.update': () => [
			{ userId: bob.id, data: { name: 'B', password: 'another-long-one' } },
			{ userId: bob.id, fields: ['name', 'password'] },
		],
		'users.updateOwnBasicInfo': () => [{ data: { name: 'B' } }, { fields: ['name'] }, bob],
		'users.delete': () => [{ username: bob.username }, { userId: bob.id }],
		'users.setActiveStatus': () => [
			{ userId: bob.id, activeStatus: false },
			{ userId: bob.id, activeStatus: false },
		],
		'users.createToken': () => [{ user: bob.username }, { userId: bob.id, isPersonal: false }],
		'users.revokeTokens': () => [{ username: bob.username.toUpperCase() }, { userId: bob.id }],
		'users.resetE2EKey': () => [{ username: bob.username }, { userId: bob.id }],
		'e2e.resetUserE2EKey': () => [{ userId: bob.id }, { userId: bob.id }],
		'e2e.resetOwnE2EKey': () => [{}, { userId: bob.id }, bob],
		'e2e.resetRoomKey': async () => {
			const rid = await addRoom(server.store, [bob], { encrypted: true, e2eKeyId: 'id-1' });
			await server.store.subscriptions.updateOne({ rid }, { $set: { roles: ['owner'] } });
			return [{ rid, e2eKey: 'id-2 sealed', e2eKeyId: 'id-2' }, { rid }, bob];
		},
		saveSetting: () => [{ _id: 'E2E_Enable', value: true }, { settingIds: ['E2E_Enable'] }],
		saveSettings: () => [{ settings: [{ _id: 'E2E_Enable', value: true }] }, { settingIds: ['E2E_Enable'] }],
		'settings.bulk': () => [{ settings: [{ _id: 'E2E_Enable', value: true }] }, { settingIds: ['E2E_Enable'] }],
		'permissions.update': () => [
			{ permissions: [{ _id: 'create-user', roles: ['admin'] }] },
			{ permissionIds: ['create-user'] },
		],
		...Object.fromEntries(
			[
				['channels', 'c'],
				['groups', 'p'],
			].flatMap(([kind, t]) => [
				[
					`${kind}.delete`,
					async (): Promise<Case> => {
						const roomId = await addRoom(server.store, [bob], { t: t as 'c', name: `${kind}-deleted` });
						return [{ roomName: `${kind}-deleted` }, { roomId }];
					},
				],
				[
					`${kind}.kick`,
					async (): Promise<Case> => {
						const roomId = await addRoom(server.store, [admin, bob], { t: t as 'c', name: `${kind}-kicked` });
						return [
							{ roomName: `${kind}-kicked`, username: bob.username },
							{ roomId, userId: bob.id },
						];
					},
				],
			]),
		),
		...Object.fromEntries(
			['im.delete', 'dm.delete'].map((name) => [
				name,
				async (): Promise<Case> => {
					const _id = [admin.id, bob.id].sort().join('');
					await addRoom(server.store, [admin, bob], { _id, t: 'd', uids: [admin.id, bob.id] });
					return [{ username: bob.username }, { roomId: _id }];
				},
			]),
		),
	};

	it('is tested for every audited method that is not in `ABOUT_CALLER`', () => {
		const names = methods.filter(({ audit }) => audit).map(({ name }) => name);
		expect(Object.keys(cases)).to.have.members(names.filter((name) => !ABOUT_CALLER.has(name)));
		expect(names).to.include.members([...ABOUT_CALLER]);
	});

	for (const [name, make] of Object.entries(cases)) {
		it(`contains the found ids, switches and changed fields of ${name}`, async () => {
			const [args, expected, as] = await make();
			const about = await aboutOf(name, args, as);
			const { userId: username } = expected as { userId?: string };
			const created = username && (await server.store.users.findOne({ username }));
			expect(about).to.deep.equal(created ? { userId: created._id } : expected);
		});
	}

	it('contains the id of a token that is revoked', async () => {
		const id = tokenId({ hashedToken: hashToken(bob.token) });
		expect(await aboutOf('users.revokeTokens', { username: bob.username, tokenId: id })).to.deep.equal({
			userId: bob.id,
			tokenId: id,
		});
	});

	it("contains the ids that methods have found when an application's method calls them", async () => {
		expect(await aboutOf('own.dismiss', { who: bob.username })).to.deep.equal({ userId: bob.id });
	});

	it('is also in the event of a refused call', async () => {
		await server.store.users.updateOne({ _id: bob.id }, { $set: { active: false } });
		await post(`${server.url}/api/v1/users.createToken`, admin, { username: bob.username });
		const { facts } = log.lines.at(-1) as { facts: object };
		expect(facts).to.deep.include({ method: 'users.createToken', outcome: 'refused', about: { userId: bob.id } });
	});

	it('contains no text of a client that is not the id of a document', async () => {
		const before = log.lines.length;
		await post(`${server.url}/api/v1/users.createToken`, admin, { username: 'my-password' });
		await post(`${server.url}/api/v1/settings/my-password`, admin, { value: 'my-password' });
		await post(`${server.url}/api/v1/permissions.update`, admin, { permissions: [{ _id: 'my-password', roles: [] }] });
		expect(JSON.stringify(log.lines.slice(before))).to.not.include('my-password');
	});

	it('names the user whose tokens were revoked, beside the caller and the request', async () => {
		const { body } = await post(`${server.url}/api/v1/users.revokeTokens`, admin, { username: bob.username });
		expect(body).to.include({ success: true });
		const line = log.lines.findLast(({ text }) => text === 'Login tokens were revoked');
		expect(line?.facts).to.deep.include({ audit: true, about: { userId: bob.id }, tokens: 1 });
		expect(line?.facts).to.include({ method: 'users.revokeTokens', userId: admin.id, transport: 'rest' });
		expect(line?.facts).to.have.property('requestId');
	});
});
