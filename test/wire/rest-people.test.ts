/** Users and settings over REST, with the requests and answers of Rocket.Chat's own tests of E2E. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { makeFirstAdmin } from '../../methods/model/users/firstAdmin.js';
import { hashToken } from '../../methods/model/users/tokens.js';
import type { User } from '../../shared/documents.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { get, headersOf, post, request } from '../support/rest.js';

const UNAUTHORIZED = {
	success: false,
	error: 'User does not have the permissions required for this action [error-unauthorized]',
};

describe('the REST API of users and settings', () => {
	let app: TestApp;
	let api: string;
	let admin: Person;
	let alice: Person;
	let count = 0;

	before(async () => {
		app = await startApp();
		api = `${app.url}/api/v1`;
		await makeFirstAdmin(app.store, { username: 'root', password: 'root-password' });
		admin = await logIn('root', 'root-password');
		alice = await addPerson(app.store, { username: 'alice' });
	});
	after(() => app.close());

	async function logIn(user: string, password: string): Promise<Person> {
		const { body } = await post(`${api}/login`, null, { user, password });
		const { userId, authToken } = body.data as { userId: string; authToken: string };
		return { id: userId, username: user, token: authToken };
	}

	const newUsername = () => `user.test.${Date.now()}.${count++}`;

	function create(more: object = {}) {
		const username = newUsername();
		const email = `${username}@rocket.chat`;
		return post(`${api}/users.create`, admin, { email, name: username, username, password: 'rocket.chat', ...more });
	}

	it('creates three users concurrently, who log in with plain passwords', async () => {
		const answers = await Promise.all([create(), create(), create()]);
		for (const { status, headers, body } of answers) {
			expect(status).to.equal(200);
			expect(headers.get('content-type')).to.equal('application/json');
			const user = body.user as User;
			expect(body).to.deep.equal({
				success: true,
				user: {
					_id: user._id,
					username: user.username,
					name: user.username,
					emails: [{ address: `${user.username}@rocket.chat`, verified: false }],
					roles: ['user'],
					active: true,
					type: 'user',
					createdAt: user.createdAt,
					status: 'offline',
					settings: {},
					_updatedAt: user._updatedAt,
				},
			});
			expect(new Date(user.createdAt as Date).getTime()).to.be.closeTo(Date.now(), 60_000);
			expect(await logIn(user.username as string, 'rocket.chat')).to.include({ id: user._id });
		}
	});

	it('creates no user twice when a call is repeated (beyond.md E1)', async () => {
		const username = newUsername();
		const ask = () =>
			request(`${api}/users.create`, {
				method: 'POST',
				headers: { 'Content-Type': 'application/json', 'Idempotency-Key': username, ...headersOf(admin) },
				body: JSON.stringify({ email: `${username}@x`, name: 'Once', username, password: 'secret' }),
			});
		const first = await ask();
		expect(first.status).to.equal(200);
		expect((await ask()).body).to.deep.equal(first.body);
	});

	it('lets an admin delete users, and the group that one of them owns', async () => {
		const people = await Promise.all([create(), create(), create()]);
		const [owner, member] = people.map(({ body }) => body.user as User) as [User, User];
		const asOwner = await logIn(owner.username as string, 'rocket.chat');
		const made = await post(`${api}/groups.create`, asOwner, {
			name: `e2e-owner-room-${Date.now()}`,
			members: [member.username],
			extraData: { encrypted: true },
		});
		expect(made.body).to.have.nested.property('group.encrypted', true);
		const roomId = (made.body.group as { _id: string })._id;
		expect((await post(`${api}/groups.delete`, admin, { roomId })).status).to.equal(200);
		const removals = people.map(({ body }) => post(`${api}/users.delete`, admin, { userId: (body.user as User)._id }));
		for (const { status } of await Promise.all(removals)) expect(status).to.equal(200);
	});

	it('answers with the texts of Rocket.Chat when a user cannot be created', async () => {
		const { status, body } = await create({ username: 'alice' });
		expect({ status, body }).to.deep.equal({
			status: 400,
			body: {
				success: false,
				error: 'alice is already in use :( [error-field-unavailable]',
				errorType: 'error-field-unavailable',
				details: { method: 'users.create', field: 'alice' },
			},
		});
		expect((await create({ username: 'administrator' })).body).to.include({
			error: "administrator is blocked and can't be used! [error-blocked-username]",
		});
		expect((await post(`${api}/users.create`, null, {})).status).to.equal(401);
		expect(
			(await post(`${api}/users.create`, alice, { email: 'a@x', name: 'a', username: 'a', password: 'a' })).body,
		).to.include({ error: 'Adding user is not allowed [error-action-not-allowed]' });
	});

	it('returns users, and an error for an unknown one', async () => {
		const { status: _, settings, _updatedAt, ...user } = (await create()).body.user as User;
		for (const query of [`userId=${user._id}`, `username=${user.username}`]) {
			const { status, body } = await get(`${api}/users.info?${query}`, admin);
			expect(status).to.equal(200);
			expect(body.user).to.deep.include({ ...user, canViewAllInfo: true });
		}
		const { status, body } = await get(`${api}/users.info?username=invalid-username`, admin);
		expect({ status, body }).to.deep.equal({ status: 400, body: { success: false, error: 'User not found.' } });
		expect((await get(`${api}/users.list?count=2&offset=1`, admin)).body).to.include({
			success: true,
			count: 2,
			offset: 1,
		});
	});

	it('changes users; a password from an admin ends their logins, an own change keeps the calling login', async () => {
		const { user } = (await create()).body as { user: User };
		const { token } = await logIn(user.username as string, 'rocket.chat');
		const client = await RawClient.connect(app.webSocketUrl);
		await client.call('login', { resume: token });
		const { status, body } = await post(`${api}/users.update`, admin, {
			userId: user._id,
			data: { name: 'Edited', password: 'new', email: `edited${user.username}@x` },
		});
		expect(status).to.equal(200);
		expect(body).to.deep.include({ success: true });
		expect(body.user).to.deep.include({
			name: 'Edited',
			emails: [{ address: `edited${user.username}@x`, verified: false }],
		});
		expect(body.user).not.to.have.any.keys('services', 'e2e');
		await client.closed;
		expect((await get(`${api}/me`, { id: user._id, token })).status).to.equal(401);
		const again = await logIn(user.username as string, 'new');
		const currentPassword = createHash('sha256').update('new').digest('hex');
		const own = await post(`${api}/users.updateOwnBasicInfo`, again, {
			data: { currentPassword, newPassword: 'newer' },
		});
		expect(own.body).to.have.nested.property('user._id', user._id);
		expect((await get(`${api}/me`, again)).status).to.equal(200);
		expect((await post(`${api}/users.update`, admin, { userId: '', data: {} })).status).to.equal(400);
	});

	it('deactivates and deletes users', async () => {
		const { user } = (await create()).body as { user: User };
		const deactivated = await post(`${api}/users.setActiveStatus`, admin, { userId: user._id, activeStatus: false });
		expect(deactivated.body).to.deep.equal({ success: true, user: { _id: user._id, active: false } });
		const refused = await post(`${api}/users.delete`, alice, { userId: user._id });
		expect({ status: refused.status, body: refused.body }).to.deep.equal({ status: 403, body: UNAUTHORIZED });
		const { body } = await post(`${api}/users.delete`, admin, { userId: user._id });
		expect(body).to.deep.equal({ success: true, deletedRooms: [] });
		expect((await post(`${api}/users.delete`, admin, { userId: user._id })).body).to.include({
			errorType: 'error-invalid-user',
		});
	});

	it('lets admins issue, list and revoke tokens, and closes connections of revoked ones', async () => {
		const { user } = (await create()).body as { user: User };
		const made = await post(`${api}/users.createToken`, admin, { username: user.username });
		expect(made.status).to.equal(200);
		const { userId, authToken } = made.body.data as { userId: string; authToken: string };
		expect(userId).to.equal(user._id);
		const client = await RawClient.connect(app.webSocketUrl);
		await client.call('login', { resume: authToken });
		const { body } = await get(`${api}/users.listTokens?userId=${user._id}`, admin);
		expect(body).to.include({ success: true, total: 1 });
		const [{ id: tokenId }] = body.tokens as [{ id: string }];
		const revoked = await post(`${api}/users.revokeTokens`, admin, { userId, tokenId });
		expect(revoked.body).to.deep.equal({ success: true, revoked: 1 });
		await client.closed;
		expect((await get(`${api}/users.listTokens?userId=${user._id}`, alice)).status).to.equal(403);
	});

	it('lists all rooms and their members for admins', async () => {
		const rid = await addRoom(app.store, [alice], { name: 'of-alice' });
		const found = await get(`${api}/rooms.adminRooms?filter=of-alice`, admin);
		expect(found.body).to.deep.include({ success: true, count: 1, offset: 0, total: 1 });
		expect((await get(`${api}/rooms.adminRooms.getRoom?rid=${rid}`, admin)).body).to.include({
			_id: rid,
			success: true,
		});
		const { body } = await get(`${api}/rooms.adminRooms.members?rid=${rid}`, admin);
		expect(body.members).to.deep.equal([{ _id: alice.id, username: alice.username, roles: [], key: 'none' }]);
		expect((await get(`${api}/rooms.adminRooms`, alice)).status).to.equal(403);
	});

	describe('settings', () => {
		const save = (id: string, body: unknown, as: Person | null = admin) => post(`${api}/settings/${id}`, as, body);

		it('take effect immediately', async () => {
			for (const value of [false, true]) {
				const { status, text } = await save('E2E_Enable', { value });
				expect({ status, text }).to.deep.equal({ status: 200, text: '{"success":true}' });
				const expected = { _id: 'E2E_Enable', value, success: true };
				expect((await get(`${api}/settings/E2E_Enable`, alice)).body).to.deep.equal(expected);
				const { body } = await get(`${api}/settings.public?_id=E2E_Enable`, null);
				expect(body).to.deep.equal({
					settings: [{ _id: 'E2E_Enable', value }],
					count: 1,
					offset: 0,
					total: 1,
					success: true,
				});
			}
		});

		it('are refused with the errors of Rocket.Chat', async () => {
			const refused = await save('E2E_Enable', { value: false }, alice);
			expect({ status: refused.status, body: refused.body }).to.deep.equal({ status: 403, body: UNAUTHORIZED });
			expect((await save('E2E_Enable', { value: false }, null)).status).to.equal(401);
			for (const [id, body, errorType] of [
				['E2E_Enable', { value: 'false' }, 'error-invalid-setting-value'],
				['E2E_Enable', {}, 'error-invalid-setting-value'],
				['LDAP_Enable', { value: false }, 'error-invalid-setting'],
			] as const) {
				const answer = await save(id, body);
				expect(answer.status).to.equal(400);
				expect(answer.body).to.include({ success: false, errorType });
			}
			expect((await get(`${api}/settings/LDAP_Enable`, alice)).body).to.deep.equal(UNAUTHORIZED);
		});

		it('answer DELETE with 405 and the allowed verbs', async () => {
			const { status, headers } = await request(`${api}/settings/E2E_Enable`, { method: 'DELETE' });
			expect(status).to.equal(405);
			expect(headers.get('allow')?.split(', ')).to.have.members(['GET', 'POST', 'HEAD']);
		});
	});

	it('gives roles permissions, which take effect immediately', async () => {
		const update = (roles: string[]) =>
			post(`${api}/permissions.update`, admin, { permissions: [{ _id: 'delete-user', roles }] });
		const { user } = (await create()).body as { user: User };
		expect((await update(['user'])).body).to.include({ success: true });
		expect((await post(`${api}/users.delete`, admin, { userId: user._id })).body).to.deep.equal(UNAUTHORIZED);
		expect((await update(['admin'])).status).to.equal(200);
		expect((await post(`${api}/users.delete`, admin, { userId: user._id })).status).to.equal(200);
		expect((await get(`${api}/permissions.listAll`, alice)).body)
			.to.include({ success: true })
			.and.have.property('update')
			.that.deep.includes({ _id: 'create-user', roles: ['admin'] });
	});

	it('gives no permission to a role that does not exist', async () => {
		const permissions = [{ _id: 'delete-user', roles: ['admin', 'no-such-role'] }];
		const { status, body } = await post(`${api}/permissions.update`, admin, { permissions });
		expect(body).to.include({ success: false, errorType: 'error-invalid-role' });
		expect(status).to.equal(400);
	});

	describe('the text of a match error', () => {
		for (const [what, path, body, error] of [
			[
				'of an optional argument',
				'users.update',
				{ userId: 'x', data: {}, confirmRelinquish: 'yes' },
				'boolean, got string',
			],
			[
				'within an optional argument',
				'users.create',
				{ email: 'a@x', name: 'n', username: 'u', roles: ['user', 5] },
				'string, got number in field [1]',
			],
			[
				'where a value does not fulfil the condition of a `Match.Where`',
				'users.update',
				{ userId: '', data: {} },
				'text that is not empty',
			],
			[
				'where a value in a list does not fulfil the condition of a `Match.Where`',
				'permissions.update',
				{ permissions: [{ _id: 'create-user', roles: ['a b'] }] },
				'text of 1 to 100 letters, digits and any of . _ - in field [0].roles[0]',
			],
		] as const) {
			it(`says what was expected ${what}`, async () => {
				const answer = await post(`${api}/${path}`, admin, body);
				expect(answer.body).to.deep.equal({ success: false, error: `Match error: Expected ${error}` });
				expect(answer.status).to.equal(400);
			});
		}
	});

	it('requires a user name, except for method.call and logout (rocketchat-e2e.md 7.2)', async () => {
		const withoutUsername = { id: 'withoutUsername', username: '', token: 'a-token' };
		const loginTokens = [{ hashedToken: hashToken('a-token'), when: new Date() }];
		await app.store.users.insertOne({ _id: 'withoutUsername', roles: ['user'], services: { resume: { loginTokens } } });
		const rid = await addRoom(app.store, [withoutUsername]);
		const refused = await post(`${api}/e2e.setRoomKeyID`, withoutUsername, { rid, keyID: 'k' });
		expect({ status: refused.status, body: refused.body }).to.deep.equal({
			status: 403,
			body: { success: false, error: 'Users must have a username [error-unauthorized]' },
		});
		const message = JSON.stringify({ msg: 'method', id: '1', method: 'e2e.setRoomKeyID', params: [rid, 'k'] });
		expect((await post(`${api}/method.call/e2e.setRoomKeyID`, withoutUsername, { message })).body).to.include({
			success: true,
		});
		expect((await post(`${api}/logout`, withoutUsername, {})).status).to.equal(200);
	});
});
