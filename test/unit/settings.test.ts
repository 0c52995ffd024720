/** Settings and permissions (test/contract/rocketchat-e2e.md section 11). */
import { expect } from 'chai';
import { hasPermission } from '../../methods/model/permissions/permissions.js';
import { DEFAULTS, workspaceSetting } from '../../methods/model/settings/workspace.js';
import { publishChange, type StreamSubscribers } from '../../methods/streams/publishChange.js';
import type { Permission } from '../../shared/documents.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('settings (11)', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let alice: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { roles: ['admin'] });
		alice = await addPerson(roomkey.store);
	});
	afterEach(() => roomkey.close());

	const save = (as: Person, id: string, value: unknown) => roomkey.call(as, 'saveSetting', id, value);
	const get = (as: Person, id: string) => roomkey.call(as, 'settings.getOne', id);

	async function eventsOf(task: () => Promise<unknown>): Promise<unknown[]> {
		const seen: unknown[] = [];
		const subscribers: StreamSubscribers = {
			eventsWithReaders: () => new Map(),
			notify: (event) => void seen.push(event),
			roomsReadBy: () => new Set(),
			reauthorize: async () => {},
			reauthorizeAll: async () => {},
		};
		const stop = roomkey.bus.on('changed', (change) => publishChange(change, roomkey.store, subscribers));
		await task();
		stop();
		return seen;
	}

	it('have the default values of the contract (11)', async () => {
		const listed = (await roomkey.call(null, 'public-settings/get')) as { _id: string; value: unknown }[];
		expect(Object.fromEntries(listed.map(({ _id, value }) => [_id, value]))).to.include({
			E2E_Enable: true,
			E2E_Allow_Unencrypted_Messages: false,
			E2E_Enabled_Default_DirectRooms: false,
			E2E_Enabled_Default_PrivateRooms: false,
			E2E_Enable_Encrypt_Files: true,
			E2E_Enabled_Mentions: true,
			E2E_Force_Encryption_For_Private_Rooms: false,
			E2E_Passphrase_Policy_Enabled: false,
			Accounts_LoginExpiration: 90,
		});
	});

	it('take effect immediately, although values are cached', async () => {
		for (const value of [false, true, false]) {
			await save(admin, 'E2E_Enable', value);
			expect(await workspaceSetting(roomkey.store, 'E2E_Enable')).to.equal(value);
			expect(await get(alice, 'E2E_Enable')).to.deep.equal({ _id: 'E2E_Enable', value });
		}
	});

	it('are announced to all who read public settings, unless nothing changes', async () => {
		const document = { _id: 'E2E_Enabled_Mentions', value: false };
		const once = [{ stream: 'notify-all', eventName: 'public-settings-changed', args: ['updated', document] }];
		expect(await eventsOf(() => save(admin, 'E2E_Enabled_Mentions', true))).to.deep.equal([]);
		expect(await roomkey.store.settings.countDocuments({})).to.equal(0);
		expect(await eventsOf(() => save(admin, 'E2E_Enabled_Mentions', false))).to.deep.equal(once);
		const before = await roomkey.store.settings.findOne({ _id: 'E2E_Enabled_Mentions' });
		expect(await eventsOf(() => save(admin, 'E2E_Enabled_Mentions', false))).to.deep.equal([]);
		expect(await roomkey.store.settings.findOne({ _id: 'E2E_Enabled_Mentions' })).to.deep.equal(before);
	});

	it('are written once by concurrent callers with the same value', async () => {
		const events = await eventsOf(() =>
			Promise.all([1, 2, 3, 4].map(() => save(admin, 'E2E_Enabled_Default_DirectRooms', true))),
		);
		expect(events).to.have.length(1);
		expect(await workspaceSetting(roomkey.store, 'E2E_Enabled_Default_DirectRooms')).to.equal(true);
	});

	it('keep the other fields that Rocket.Chat stores in the document', async () => {
		const document = { _id: 'E2E_Enable', value: false, type: 'boolean', public: true };
		await roomkey.store.settings.insertOne(document);
		await save(admin, 'E2E_Enable', true);
		expect(await roomkey.store.settings.findOne({ _id: 'E2E_Enable' })).to.include({ ...document, value: true });
	});

	it('are changed only by callers with edit-privileged-setting', async () => {
		const refused = await rejection(save(alice, 'E2E_Enable', false));
		expect(refused).to.deep.include({ error: 'error-unauthorized', details: { method: 'saveSetting' } });
		expect(await workspaceSetting(roomkey.store, 'E2E_Enable')).to.equal(true);
	});

	for (const [id, value] of [
		['E2E_Enable', 'true'],
		['E2E_Enable', 1],
		['E2E_Enable', null],
		['E2E_Enable', undefined],
		['E2E_Enable', { $ne: true }],
		['E2E_Passphrase_Policy_MinLength', 1.5],
		['E2E_Passphrase_Policy_MinLength', '7'],
	] as const) {
		it(`refuse ${JSON.stringify(value)} for ${id}`, async () => {
			expect(await rejection(save(admin, id, value))).to.include({ error: 'error-invalid-setting-value' });
			expect(await roomkey.store.settings.countDocuments({})).to.equal(0);
		});
	}

	it('are refused and hidden if unknown, even if the database has them', async () => {
		await roomkey.store.settings.insertOne({ _id: 'SMTP_Password', value: 'secret' });
		for (const id of ['SMTP_Password', 'nothing', '__proto__', 'toString']) {
			expect(await rejection(save(admin, id, 'x'))).to.include({ error: 'error-invalid-setting' });
			expect(await rejection(get(admin, id))).to.include({ error: 'error-invalid-setting' });
			expect(await rejection(get(alice, id))).to.include({ error: 'error-unauthorized' });
		}
		expect(JSON.stringify(await roomkey.call(null, 'public-settings/get'))).not.to.include('secret');
	});

	it('are listed in pages, with the default in place of a value of a wrong type', async () => {
		await save(admin, 'E2E_Enable', false);
		await roomkey.store.settings.insertOne({ _id: 'E2E_Enabled_Mentions', value: 'of a wrong type' });
		const all = (await roomkey.call(null, 'public-settings/get')) as { _id: string; value: unknown }[];
		const expected = { ...DEFAULTS, E2E_Enable: false, E2E_Passphrase_Policy_MinLength: 7 };
		expect(Object.fromEntries(all.map(({ _id, value }) => [_id, value]))).to.include(expected);
		const page = await roomkey.call(null, 'settings.public', 2, 1);
		expect(page).to.deep.equal({ settings: all.slice(1, 3), count: 2, offset: 1, total: all.length });
		const some = await roomkey.call(null, 'settings.public', undefined, undefined, 'E2E_Enable,SMTP_Password');
		expect(some).to.deep.include({ settings: [{ _id: 'E2E_Enable', value: false }], total: 1 });
	});

	it('are listed only if written since the date that the caller gives', async () => {
		await roomkey.store.settings.insertOne({ _id: 'E2E_Enabled_Mentions', value: false, _updatedAt: new Date(1000) });
		await roomkey.store.settings.insertOne({ _id: 'E2E_Enable', value: false, _updatedAt: new Date(3000) });
		expect(await roomkey.call(null, 'public-settings/get', new Date(2000))).to.deep.equal({
			update: [{ _id: 'E2E_Enable', value: false }],
			remove: [],
		});
	});

	describe('permissions', () => {
		it('have the default roles of the contract until somebody changes them (11, 3.1)', async () => {
			const { update } = (await roomkey.call(admin, 'permissions.listAll')) as { update: Permission[] };
			const roles = new Map(update.map((permission) => [permission._id, permission.roles]));
			for (const [permission, ...holders] of [
				['toggle-room-e2e-encryption', 'owner', 'admin'],
				['edit-other-user-e2ee', 'admin'],
				['reset-other-user-e2e-key', 'admin'],
				['api-bypass-rate-limit', 'admin', 'bot', 'app'],
				['view-c-room', 'admin', 'user', 'federated-external', 'bot', 'app', 'anonymous'],
				['view-p-room', 'admin', 'user', 'federated-external', 'anonymous', 'guest'],
				['view-d-room', 'admin', 'user', 'federated-external', 'bot', 'app', 'guest'],
				['view-joined-room', 'guest', 'bot', 'app', 'anonymous'],
			] as const)
				expect(roles.get(permission), permission).to.have.members(holders);
		});

		const update = (as: Person, ...permissions: unknown[]) =>
			roomkey.call(as, 'permissions.update', permissions) as Promise<{ permissions: Permission[] }>;

		it('take effect immediately, and the answer lists all permissions', async () => {
			const allowed = () => hasPermission(roomkey.store, { roles: ['guest'] }, 'create-user');
			expect(await allowed()).to.equal(false);
			const roles = ['admin', 'guest'];
			const { permissions } = await update(admin, { _id: 'create-user', roles });
			expect(await allowed()).to.equal(true);
			expect(permissions.find(({ _id }) => _id === 'create-user')?.roles).to.deep.equal(roles);
			expect(permissions.find(({ _id }) => _id === 'delete-user')).to.deep.equal({
				_id: 'delete-user',
				roles: ['admin'],
			});
			await update(admin, { _id: 'create-user', roles: [] });
			expect(await allowed()).to.equal(false);
		});

		it('are not written or announced if nothing changes', async () => {
			const same = { _id: 'toggle-room-e2e-encryption', roles: ['admin', 'owner', 'owner'] };
			expect(await eventsOf(() => update(admin, same))).to.deep.equal([]);
			expect(await roomkey.store.permissions.countDocuments({})).to.equal(0);
		});

		it('are refused before any is written, if one is unknown', async () => {
			const some = [
				{ _id: 'create-user', roles: ['guest'] },
				{ _id: 'nothing', roles: ['guest'] },
			];
			expect(await rejection(update(admin, ...some))).to.include({ error: 'error-invalid-permission' });
			expect(await roomkey.store.permissions.countDocuments({})).to.equal(0);
			await roomkey.store.permissions.insertOne({ _id: 'nothing', roles: [] });
			await update(admin, ...some);
		});

		it('can be given only to default roles and roles in the database', async () => {
			const { permissions, roles } = roomkey.store;
			const refused = await rejection(
				update(admin, { _id: 'create-user', roles: ['admin'] }, { _id: 'delete-user', roles: ['new-role'] }),
			);
			expect(refused).to.include({ error: 'error-invalid-role', reason: 'Invalid role' });
			expect(await permissions.countDocuments({ _id: 'delete-user' })).to.equal(0);
			await roles.insertOne({ _id: 'new-role', name: 'new', scope: 'Users' });
			await update(admin, { _id: 'delete-user', roles: ['new-role', 'federated-external'] });
		});

		it('have `_updatedAt` from their first write on', async () => {
			const before = new Date(Date.now() - 1).toISOString();
			await update(admin, { _id: 'delete-user', roles: ['admin', 'bot'] });
			const { update: since } = (await roomkey.call(alice, 'permissions.listAll', before)) as { update: Permission[] };
			expect(since.map(({ _id }) => _id)).to.deep.equal(['delete-user']);
			expect(since[0]?._updatedAt).to.be.a('date');
		});

		it('can be given by a user with access-permissions, even to a role of their own', async () => {
			await roomkey.store.roles.insertOne({ _id: 'clerk', name: 'clerk', scope: 'Users' });
			const clerk = await addPerson(roomkey.store, { roles: ['clerk'] });
			const token = () => roomkey.call(clerk, 'users.createToken', alice.id);
			await update(admin, { _id: 'access-permissions', roles: ['admin', 'clerk'] });
			expect(await rejection(token())).to.include({ error: 'error-unauthorized' });
			await update(clerk, { _id: 'user-generate-access-token', roles: ['admin', 'clerk'] });
			expect(await token()).to.have.nested.property('data.userId', alice.id);
		});

		it('are changed only by callers with access-permissions', async () => {
			const refused = await rejection(update(alice, { _id: 'create-user', roles: ['user'] }));
			expect(refused).to.include({ error: 'error-unauthorized' });
		});

		it('are all listed, or only those written since a given date', async () => {
			await roomkey.store.permissions.insertOne({ _id: 'create-user', roles: ['a'], _updatedAt: new Date(1000) });
			const list = (...since: unknown[]) => roomkey.call(alice, 'permissions.listAll', ...since);
			expect(((await list()) as { update: unknown[] }).update.length).to.be.greaterThan(5);
			expect(await list('1970-01-01T00:00:00Z')).to.deep.equal({
				update: [{ _id: 'create-user', roles: ['a'], _updatedAt: new Date(1000) }],
				remove: [],
			});
			expect(await list('1970-01-01T00:00:02Z')).to.deep.equal({ update: [], remove: [] });
			for (const text of ['soon', '2026-02-30', '2026-04-31T12:00:00Z']) {
				expect(await rejection(list(text)), text).to.have.nested.property('sanitizedError.reason', 'Match failed');
			}
		});
	});
});
