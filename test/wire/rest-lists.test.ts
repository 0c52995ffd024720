/** Calls of Rocket.Chat's clients that do not concern keys: rooms, roles, settings, and the other logins of a user. */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { get, post, type RestAnswer } from '../support/rest.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

type Json = Record<string, unknown>;

describe('lists and settings over REST', () => {
	let app: TestApp;
	let alice: Person;
	let guest: Person;
	let admin: Person;
	const rids: Record<string, string> = {};

	before(async () => {
		app = await startApp();
		alice = await addPerson(app.store, { username: 'alice' });
		guest = await addPerson(app.store, { username: 'guest', roles: ['guest'] });
		admin = await addPerson(app.store, {
			username: 'admin',
			name: 'The Boss',
			nickname: 'chief',
			roles: ['admin', 'user'],
		});
		for (const name of ['news', 'animals', 'team-a', 'team-b']) {
			const teamId = name.startsWith('team') ? { teamId: name } : {};
			rids[name] = await addRoom(app.store, [], { name, t: 'c', joinCode: 'x', ...teamId } as object);
		}
		for (const name of ['group-2', 'group-1']) {
			rids[name] = await addRoom(app.store, [], { name, t: 'p' });
			await addMember(app.store, rids[name] as string, alice, { t: 'p', name });
		}
		await addMember(app.store, rids['team-a'] as string, alice, { t: 'c', name: 'team-a' });
		await addMember(app.store, rids.news as string, guest, { t: 'c', name: 'news' });
	});
	after(() => app.close());

	const url = (path: string) => `${app.url}/api/v1/${path}`;
	const send = (as: Person, path: string, body: unknown) => post(url(path), as, body);
	/** Expects success. @returns the body */
	const ok = ({ status, body }: RestAnswer): Json => {
		expect(body).to.deep.include({ success: true });
		expect(status).to.equal(200);
		return body;
	};
	const names = (rooms: unknown) => (rooms as Json[]).map(({ name }) => name);

	it('channels.list: sorted by name, in pages; channels of teams only for their members', async () => {
		const { channels, ...page } = ok(await get(url('channels.list'), alice));
		expect(names(channels)).to.deep.equal(['animals', 'news', 'team-a']);
		expect(page).to.deep.equal({ success: true, count: 3, offset: 0, total: 3 });
		const second = ok(await get(url('channels.list?count=1&offset=1'), alice));
		expect(names(second.channels)).to.deep.equal(['news']);
		expect(second).to.include({ count: 1, offset: 1, total: 3 });
		expect((channels as Json[])[0]).not.to.have.property('joinCode');
		expect(names(ok(await get(url(`channels.list?_id=${rids.news}`), alice)).channels)).to.deep.equal(['news']);
	});

	it('channels.list: a guest sees only joined channels; a user without permission is refused', async () => {
		expect(names(ok(await get(url('channels.list'), guest)).channels)).to.deep.equal(['news']);
		const nobody = await addPerson(app.store, { roles: ['none'] });
		expect((await get(url('channels.list'), nobody)).status).to.equal(403);
	});

	it('channels.list.joined, groups.list: the caller’s own rooms, sorted by name', async () => {
		expect(names(ok(await get(url('channels.list.joined'), alice)).channels)).to.deep.equal(['team-a']);
		const { groups, ...page } = ok(await get(url('groups.list'), alice));
		expect(names(groups)).to.deep.equal(['group-1', 'group-2']);
		expect(page).to.deep.equal({ success: true, count: 2, offset: 0, total: 2 });
		expect(ok(await get(url('groups.list'), guest))).to.deep.include({ groups: [], total: 0 });
	});

	it('channels.members?filter=: members with the text in a name', async () => {
		const rid = await addRoom(app.store, [alice, guest, admin], { name: 'everybody', t: 'c' });
		const members = async (filter: string, more = '') =>
			ok(await get(url(`channels.members?roomId=${rid}&filter=${encodeURIComponent(filter)}${more}`), alice));
		expect(((await members('ALI')).members as Json[]).map(({ username }) => username)).to.deep.equal(['alice']);
		expect((await members('boss')).members).to.deep.equal([{ _id: admin.id, username: 'admin', name: 'The Boss' }]);
		expect((await members('CHIEF')).total).to.equal(1);
		expect((await members('.*')).members).to.deep.equal([]);
		expect(await members('i', '&count=1&offset=1')).to.deep.include({
			members: [{ _id: alice.id, username: 'alice' }],
			total: 2,
			offset: 1,
			count: 1,
		});
		expect(ok(await get(url(`channels.members?roomId=${rid}`), alice)).total).to.equal(3);
	});

	it('roles.list: the roles of Rocket.Chat, or those of the database', async () => {
		const roles = async () => ok(await get(url('roles.list'), alice)).roles as Json[];
		expect(await roles()).to.deep.include({
			_id: 'owner',
			name: 'owner',
			scope: 'Subscriptions',
			description: 'Owner',
			protected: true,
			mandatory2fa: false,
		});
		await app.store.roles.insertOne({ _id: 'judge', name: 'Judge', scope: 'Users', description: 'Judges' });
		expect(await roles()).to.deep.equal([{ _id: 'judge', name: 'Judge', scope: 'Users', description: 'Judges' }]);
		await app.store.roles.deleteOne({ _id: 'judge' });
	});

	it('settings and settings.bulk: change all settings or none, for callers with the permission', async () => {
		const read = async () =>
			(ok(await get(url('settings?count=100'), admin)).settings as Json[]).map(({ _id, value }) => [_id, value]);
		const before = await read();
		const changes = (value: unknown) => [
			{ _id: 'E2E_Allow_Unencrypted_Messages', value: true },
			{ _id: 'Accounts_LoginExpiration', value },
		];
		expect((await send(admin, 'settings.bulk', { settings: changes('soon') })).body).to.include({
			success: false,
			errorType: 'error-invalid-setting-value',
		});
		expect(await read()).to.deep.equal(before);
		expect((await send(alice, 'settings', { settings: changes(30) })).body).to.deep.include({
			errorType: 'error-action-not-allowed',
			details: { method: 'saveSettings', settingIds: ['E2E_Allow_Unencrypted_Messages', 'Accounts_LoginExpiration'] },
		});
		expect((await send(admin, 'settings', { settings: changes(30) })).body).to.deep.equal({ success: true });
		expect(new Map((await read()) as [string, unknown][]).get('Accounts_LoginExpiration')).to.equal(30);
		expect((await send(admin, 'settings.bulk', { settings: changes(90) })).body).to.deep.equal({ success: true });
		expect((await send(admin, 'settings.bulk', { settings: [] })).status).to.equal(400);
	});

	it('dm.create and dm.delete: as im.create and im.delete', async () => {
		const { room } = ok(await send(alice, 'dm.create', { username: 'admin' })) as { room: Json };
		expect(room).to.include({ t: 'd', rid: room._id });
		expect((ok(await send(alice, 'im.create', { username: 'admin' })).room as Json)._id).to.equal(room._id);
		ok(await send(admin, 'dm.delete', { roomId: room._id }));
		expect(await app.store.rooms.countDocuments({ _id: room._id as string })).to.equal(0);
	});

	it('users.removeOtherTokens, users.logoutOtherClients: end all logins but that of the caller', async () => {
		for (const path of ['users.removeOtherTokens', 'users.logoutOtherClients']) {
			const person = await addPerson(app.store, { password: 'secret' });
			const logIn = async () => {
				const { body } = await post(url('login'), null, { user: person.username, password: 'secret' });
				return { ...person, token: (body.data as Json).authToken as string };
			};
			const phone = await logIn();
			const laptop = await logIn();
			await app.store.users.updateOne({ _id: person.id }, {
				$push: { 'services.resume.loginTokens': { hashedToken: 'bot', type: 'personalAccessToken', when: new Date() } },
			} as object);
			ok(await get(url('me'), phone));
			const { success, ...answer } = ok(await send(laptop, path, {}));
			if (path === 'users.logoutOtherClients') {
				expect(answer.token).to.equal(laptop.token);
				expect(new Date(answer.tokenExpires as string).getTime()).to.be.greaterThan(Date.now());
			} else expect(answer).to.deep.equal({});
			expect((await get(url('me'), phone)).status).to.equal(401);
			expect((await get(url('me'), person)).status).to.equal(401);
			ok(await get(url('me'), laptop));
			const left = (await app.store.users.findOne({ _id: person.id }))?.services?.resume?.loginTokens.length;
			// Only users.logoutOtherClients keeps personal access tokens.
			expect(left).to.equal(path === 'users.removeOtherTokens' ? 1 : 2);
		}
	});

	it('users.update, users.updateOwnBasicInfo: bio and nickname', async () => {
		const person = await addPerson(app.store);
		const update = (data: Json) => send(admin, 'users.update', { userId: person.id, data });
		expect(ok(await update({ bio: ' Writes. ', nickname: 'Nick' })).user as Json).to.include({
			bio: 'Writes.',
			nickname: 'Nick',
		});
		expect((await update({ bio: 'x'.repeat(261) })).body).to.include({
			error: 'Bio size exceeds 260 characters [error-bio-size-exceeded]',
		});
		expect((await update({ nickname: 'x'.repeat(121) })).body).to.include({
			error: 'Nickname size exceeds 120 characters [error-nickname-size-exceeded]',
		});
		const { user } = ok(await send(person, 'users.updateOwnBasicInfo', { data: { bio: ' ' } })) as {
			user: Json;
		};
		expect(user).to.include({ nickname: 'Nick' });
		expect(user).not.to.have.property('bio');
		expect(ok(await get(url(`users.info?userId=${person.id}`), alice)).user).to.include({ nickname: 'Nick' });
	});

	it('rooms.info: a room without custom fields has an empty object of them', async () => {
		const { group } = ok(await send(alice, 'groups.create', { name: 'plain' })) as { group: Json };
		expect((ok(await get(url(`rooms.info?roomId=${group._id}`), alice)).room as Json).customFields).to.deep.equal({});
	});
});

describe('methods that Rocket.Chat’s clients call over DDP', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;
	let admin: Person;

	before(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, { username: 'alice' });
		bob = await addPerson(roomkey.store, { username: 'bob' });
		admin = await addPerson(roomkey.store, { username: 'admin', roles: ['admin', 'user'] });
	});
	after(() => roomkey.close());

	it('permissions/get: all permissions, or those changed since a time; also without a login', async () => {
		const all = (await roomkey.call(null, 'permissions/get')) as Json[];
		expect(all).to.deep.include({ _id: 'create-user', roles: ['admin'] });
		const since = new Date();
		await roomkey.call(admin, 'permissions.update', [{ _id: 'create-user', roles: ['admin', 'bot'] }]);
		const { update, remove } = (await roomkey.call(alice, 'permissions/get', new Date(since.getTime() - 1))) as Json;
		expect((update as Json[]).map(({ _id }) => _id)).to.deep.equal(['create-user']);
		expect(remove).to.deep.equal([]);
		expect(await rejection(roomkey.call(alice, 'permissions/get', new Date(Number.NaN)))).to.include({
			error: 'error-updatedSince-param-invalid',
		});
	});

	it('private-settings/get: all settings for callers with the permission, an empty list for others', async () => {
		expect(await roomkey.call(null, 'private-settings/get')).to.deep.equal([]);
		expect(await roomkey.call(alice, 'private-settings/get', new Date())).to.deep.equal([]);
		expect(await roomkey.call(admin, 'private-settings/get')).to.deep.include({ _id: 'E2E_Enable', value: true });
		expect(await roomkey.call(admin, 'private-settings/get', new Date())).to.deep.equal({ update: [], remove: [] });
	});

	it('saveSettings: changes settings, for callers with the permission', async () => {
		const changes = [{ _id: 'E2E_Enabled_Mentions', value: false }];
		expect(await roomkey.call(admin, 'saveSettings', changes)).to.equal(true);
		expect(await roomkey.call(admin, 'private-settings/get')).to.deep.include(changes[0]);
		expect(await rejection(roomkey.call(alice, 'saveSettings', changes))).to.include({
			error: 'error-action-not-allowed',
		});
	});

	it('getUserRoles: users with roles that everyone may see', async () => {
		expect(await roomkey.call(alice, 'getUserRoles')).to.deep.equal([
			{ _id: admin.id, username: 'admin', roles: ['admin'] },
		]);
		expect(await rejection(roomkey.call(null, 'getUserRoles'))).to.include({ error: 'error-invalid-user' });
	});

	it('getRoomIdByNameOrId, getRoomNameById: of rooms the caller may see', async () => {
		const rid = await addRoom(roomkey.store, [alice], { name: 'named' });
		for (const which of [rid, 'named']) {
			expect(await roomkey.call(alice, 'getRoomIdByNameOrId', which)).to.equal(rid);
			expect(await rejection(roomkey.call(bob, 'getRoomIdByNameOrId', which))).to.include({
				error: 'error-not-allowed',
			});
		}
		expect(await roomkey.call(alice, 'getRoomNameById', rid)).to.equal('named');
		const channel = await addRoom(roomkey.store, [], { name: 'open', t: 'c' });
		expect(await roomkey.call(bob, 'getRoomNameById', channel)).to.equal('open');
		// Bob is no member of this team, which is not public.
		const ofTeam = await addRoom(roomkey.store, [], { name: 'of-team', t: 'c', teamId: 'no-public-team' });
		for (const hidden of [rid, ofTeam, 'missing', '']) {
			expect(await rejection(roomkey.call(bob, 'getRoomNameById', hidden))).to.include({ error: 'error-not-allowed' });
			expect(await rejection(roomkey.call(bob, 'getRoomIdByNameOrId', hidden))).to.include({
				error: 'error-not-allowed',
			});
		}
	});

	it('createDirectMessage: each parameter is a user name', async () => {
		const open = async (...names: string[]) => (await roomkey.call(alice, 'createDirectMessage', ...names)) as Json;
		const room = await open('bob');
		expect(room).to.include({ t: 'd', rid: [alice.id, bob.id].sort().join('') });
		expect(room).not.to.have.property('_id');
		expect((await open('bob', 'alice')).rid).to.equal(room.rid);
		expect((await open('bob', 'admin')).usernames).to.have.members(['alice', 'bob', 'admin']);
		expect((await open()).rid).to.equal(alice.id + alice.id);
		// Nine user names of one digit each.
		expect(await rejection(open(...'123456789'))).to.include({ error: 'error-direct-message-max-user-exceeded' });
		expect(await rejection(open('nobody'))).to.include({ error: 'error-invalid-user' });
	});
});
