/** Changes of accounts, by admins and by the users themselves. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import type { User } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';
import { DuplicateKeyError } from '../../shared/storeErrors.js';
import { runBefore } from '../support/interrupt.js';
import { identity, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('changing users', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let count = 0;

	before(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'root', roles: ['admin'] });
	});
	after(() => roomkey.close());

	const newName = () => `person.${count++}`;
	const userOf = async (id: string) => (await roomkey.store.users.findOne({ _id: id })) as User;
	const tokensOf = async (id: string) => (await userOf(id)).services?.resume?.loginTokens.map((t) => t.hashedToken);
	const update = (as: Person, id: string, data: object, ...more: unknown[]) =>
		roomkey.call(as, 'users.update', id, data, ...more) as Promise<{ user: User }>;
	const updateOwn = (as: Person, data: object) =>
		roomkey.callAs({ userId: as.id, hashedToken: hashToken(as.token) }, 'users.updateOwnBasicInfo', {
			...data,
		}) as Promise<{ user: User }>;
	const setActive = (as: Person, id: string, active: boolean, ...more: unknown[]) =>
		roomkey.call(as, 'users.setActiveStatus', active, id, ...more);
	const logIn = (username: string, password: string) =>
		roomkey.callAs({ setUserId: () => {} }, 'login', { user: { username }, password });
	const allow = (_id: string, ...roles: string[]) => roomkey.call(admin, 'permissions.update', [{ _id, roles }]);

	async function eventsOf(task: () => Promise<unknown>): Promise<unknown[]> {
		const events: unknown[] = [];
		const keep = (event: unknown) => void events.push(event);
		const stops = [roomkey.bus.on('changed', keep), roomkey.bus.on('tokens-removed', keep)];
		await task();
		for (const stop of stops) stop();
		return events;
	}

	/** Opens Roomkey on the same store. `task` runs before its first `updateOne` in this collection. */
	const openOvertaken = (collection: 'users' | 'subscriptions', task: () => Promise<unknown>) =>
		openRoomkey(undefined, {}, () => runBefore(roomkey.store, collection, 'updateOne', task));

	const userChanged = (id: string) => ({ collection: 'users', action: 'updated', document: { _id: id } });

	describe('users.update', () => {
		it('changes the fields that differ, and announces no more than the id', async () => {
			const { id } = await addPerson(roomkey.store, { emails: [{ address: 'old@example.com', verified: true }] });
			const [name, username] = ['New', newName()];
			const data = { name, username, email: 'New@Example.com', roles: ['bot', 'bot'], customFields: { a: 1 } };
			let user = {} as User;
			const events = await eventsOf(async () => {
				user = (await update(admin, id, data)).user;
			});
			const emails = [{ address: 'New@Example.com', verified: false }];
			expect(user).to.deep.include({ _id: id, name, username, emails, roles: ['bot'], customFields: { a: 1 } });
			expect(user).not.to.have.any.keys('services', 'e2e');
			// Names, roles and other fields are three writes.
			expect(events).to.deep.equal([userChanged(id), userChanged(id), userChanged(id)]);
		});

		it('writes and announces nothing if nothing differs', async () => {
			const username = newName();
			const email = `${username}@x`;
			const person = { username, name: 'Same', customFields: { a: 1, b: 2 } };
			const { id } = await addPerson(roomkey.store, { ...person, emails: [{ address: email, verified: true }] });
			const before = await userOf(id);
			const same = { ...person, email, verified: true, roles: ['user'], active: true, customFields: { b: 2 } };
			expect(await eventsOf(() => update(admin, id, same))).to.deep.equal([]);
			expect(await userOf(id)).to.deep.equal(before);
		});

		it('marks an e-mail as verified', async () => {
			const { id } = await addPerson(roomkey.store, { emails: [{ address: `${newName()}@x`, verified: false }] });
			expect(await update(admin, id, { verified: true })).to.have.nested.property('user.emails[0].verified', true);
		});

		it('sets a password and ends every login by the same write', async () => {
			const person = await addPerson(roomkey.store, { username: newName(), password: 'old' });
			const events = await eventsOf(() => update(admin, person.id, { password: 'new' }));
			expect(events).to.deep.equal([
				userChanged(person.id),
				{ userId: person.id, hashedTokens: [hashToken(person.token)] },
			]);
			expect(await tokensOf(person.id)).to.deep.equal([]);
			expect(await rejection(logIn(person.username, 'old'))).to.include({ error: 403 });
			expect(await logIn(person.username, 'new')).to.include({ id: person.id });
		});

		it('changes the user name in memberships and rooms too', async () => {
			const [former, username] = [newName(), newName()];
			const person = await addPerson(roomkey.store, { username: former });
			const other = await addPerson(roomkey.store);
			const u = { _id: person.id, username: former };
			const own = await addRoom(roomkey.store, [person, other], { u });
			const direct = await addRoom(roomkey.store, [person], {
				t: 'd',
				uids: [person.id, other.id],
				usernames: [former, other.username],
			});
			await addMember(roomkey.store, direct, other, { name: former });
			const events = await eventsOf(() => update(admin, person.id, { username }));
			// Two memberships of the user, and one of the other user.
			expect(events.filter((event) => (event as { collection: string }).collection === 'subscriptions')).to.have.length(
				3,
			);
			const { rooms, subscriptions } = roomkey.store;
			expect((await rooms.findOne({ _id: own }))?.u).to.deep.equal({ _id: person.id, username });
			expect((await rooms.findOne({ _id: direct }))?.usernames).to.deep.equal([username, other.username]);
			expect(await subscriptions.countDocuments({ 'u._id': person.id, 'u.username': username })).to.equal(2);
			expect((await subscriptions.findOne({ rid: direct, 'u._id': other.id }))?.name).to.equal(username);
		});

		it('stores the newest user name everywhere after two concurrent changes', async () => {
			const person = await addPerson(roomkey.store, { username: newName() });
			const rid = await addRoom(roomkey.store, [person], { u: { _id: person.id, username: person.username } });
			const newest = newName();
			const overtaken = await openOvertaken('subscriptions', () => update(admin, person.id, { username: newest }));
			await overtaken.call(admin, 'users.update', person.id, { username: newName() });
			await overtaken.close();
			const membership = await roomkey.store.subscriptions.findOne({ rid });
			const room = await roomkey.store.rooms.findOne({ _id: rid });
			expect([(await userOf(person.id)).username, membership?.u.username, room?.u?.username]).to.deep.equal([
				newest,
				newest,
				newest,
			]);
		});

		it('does not restore the role admin that another call takes away meanwhile', async () => {
			const caller = await addPerson(roomkey.store, { roles: ['user', 'helpdesk'] });
			await roomkey.store.roles.insertOne({ _id: 'helpdesk', name: 'helpdesk', scope: 'Users' });
			await allow('edit-other-user-info', 'admin', 'helpdesk');
			const former = await addPerson(roomkey.store, { roles: ['admin'] });
			const overtaken = await openOvertaken('users', () => update(admin, former.id, { roles: ['user'] }));
			const change = overtaken.call(caller, 'users.update', former.id, { roles: ['admin', 'user'] });
			expect(await rejection(change)).to.include({ error: 'error-action-not-allowed' });
			expect((await userOf(former.id)).roles).to.deep.equal(['user']);
			await overtaken.close();
			await roomkey.store.permissions.deleteMany({});
			await roomkey.store.roles.deleteMany({});
		});

		for (const [what, resume] of [
			['without a list of login tokens', {}],
			['with a login token that has no hash', { loginTokens: [{ when: new Date() }] }],
		] as const) {
			it(`sets the password of a user ${what}`, async () => {
				const person = await addPerson(roomkey.store, { username: newName() });
				const malformed = resume as unknown as { loginTokens: [] };
				await roomkey.store.users.updateOne({ _id: person.id }, { $set: { 'services.resume': malformed } });
				const tokens = await roomkey.call(admin, 'users.listTokens', person.id);
				expect(tokens).to.include({ total: 0 });
				await update(admin, person.id, { password: 'next' });
				expect(await logIn(person.username, 'next')).to.include({ id: person.id });
			});
		}

		it('makes nobody else an owner if another part of the change is refused', async () => {
			const { store } = roomkey;
			const [person, other] = [await addPerson(store), await addPerson(store, { username: newName() })];
			const rid = await addRoom(store, [other]);
			await addMember(store, rid, person, { roles: ['owner'] });
			const change = { active: false, username: other.username };
			expect(await rejection(update(admin, person.id, change, true))).to.include({
				error: 'error-could-not-save-identity',
			});
			expect(await store.subscriptions.countDocuments({ rid, roles: 'owner' })).to.equal(1);
			await update(admin, person.id, { active: false }, true);
			expect(await store.subscriptions.countDocuments({ rid, roles: 'owner' })).to.equal(2);
		});

		it('refuses a name or an e-mail of another user, ignoring case, and a reserved name', async () => {
			const email = `${newName()}@x`;
			const taken = await addPerson(roomkey.store, {
				username: newName(),
				emails: [{ address: email, verified: true }],
			});
			const { id, username } = await addPerson(roomkey.store, { username: newName() });
			for (const name of [taken.username, taken.username.toUpperCase(), 'admin']) {
				expect(await rejection(update(admin, id, { username: name }))).to.include({
					error: 'error-could-not-save-identity',
					reason: 'Could not save user identity',
				});
			}
			expect(await rejection(update(admin, id, { email: email.toUpperCase() }))).to.include({
				error: 'error-field-unavailable',
			});
			expect(await userOf(id))
				.to.include({ username })
				.and.not.have.property('emails');
		});

		it('tells which value a unique index has refused, even if no user with it is found', async () => {
			const refusing = (store: Store): Store => ({
				...store,
				users: { ...store.users, updateOne: () => Promise.reject(new DuplicateKeyError('users')) },
			});
			const other = await openRoomkey(undefined, {}, refusing);
			try {
				const root = await addPerson(other.store, { roles: ['admin'] });
				const { id } = await addPerson(other.store);
				const email = 'free@example.com';
				expect(await rejection(other.call(root, 'users.update', id, { email }))).to.deep.include({
					error: 'error-field-unavailable',
					reason: `${email} is already in use :(`,
					details: { method: 'users.update', field: email },
				});
				expect(await rejection(other.call(root, 'users.update', id, { email, username: newName() }))).to.include({
					error: 'error-could-not-save-identity',
				});
			} finally {
				await other.close();
			}
		});

		it('never stores two user names that differ only in case, even by concurrent calls', async () => {
			const [one, two] = [await addPerson(roomkey.store), await addPerson(roomkey.store)];
			const name = newName();
			await Promise.allSettled([
				update(admin, one.id, { username: name }),
				update(admin, two.id, { username: name.toUpperCase() }),
			]);
			const names = [(await userOf(one.id)).username, (await userOf(two.id)).username];
			expect(names.filter((each) => each?.toLowerCase() === name)).to.have.length.at.most(1);
			for (const each of names) expect(each).to.be.a('string');
		});

		it('refuses a role that does not exist, unless the user has it', async () => {
			const person = await addPerson(roomkey.store, { roles: ['user', 'of-old'] });
			expect(await rejection(update(admin, person.id, { roles: ['user', 'no-such-role'] }))).to.include({
				error: 'error-action-not-allowed',
				reason: 'The field Roles consist invalid role id',
			});
			expect((await userOf(person.id)).roles).to.deep.equal(['user', 'of-old']);
			await update(admin, person.id, { roles: ['of-old', 'bot'] });
			expect((await userOf(person.id)).roles).to.deep.equal(['of-old', 'bot']);
		});

		it('requires the permissions for what is changed', async () => {
			await roomkey.store.roles.insertOne({ _id: 'helper', name: 'helper', scope: 'Users' });
			const [helper, other] = [await addPerson(roomkey.store, { roles: ['helper'] }), await addPerson(roomkey.store)];
			const notAllowed = { error: 'error-action-not-allowed', reason: 'Editing user is not allowed' };
			expect(await rejection(update(helper, other.id, { name: 'x' }))).to.include(notAllowed);
			expect(await rejection(update(helper, helper.id, { name: 'x' }))).to.include(notAllowed);
			await allow('edit-other-user-info', 'admin', 'helper');
			expect(await update(helper, other.id, { name: 'x' })).to.have.nested.property('user.name', 'x');
			expect(await rejection(update(helper, other.id, { password: 'x' }))).to.include(notAllowed);
			expect(await rejection(update(helper, other.id, { active: false }))).to.include(notAllowed);
			expect(await rejection(update(helper, helper.id, { roles: ['admin'] }))).to.include({
				error: 'error-action-not-allowed',
				reason: 'Assigning admin is not allowed',
			});
			await allow('edit-other-user-info', 'admin');
		});

		it('requires assign-admin-role to set the password of an admin', async () => {
			await roomkey.store.roles.insertOne({ _id: 'desk', name: 'desk', scope: 'Users' });
			const desk = await addPerson(roomkey.store, { roles: ['desk'] });
			const [other, root] = [
				await addPerson(roomkey.store, { username: newName() }),
				await addPerson(roomkey.store, { username: newName(), roles: ['admin'], password: 'old' }),
			];
			for (const permission of ['edit-other-user-info', 'edit-other-user-password'])
				await allow(permission, 'admin', 'desk');
			await update(desk, other.id, { password: 'new' });
			expect(await logIn(other.username, 'new')).to.include({ id: other.id });
			expect(await rejection(update(desk, root.id, { password: 'new' }))).to.include({
				error: 'error-action-not-allowed',
				reason: 'Assigning admin is not allowed',
			});
			expect(await logIn(root.username, 'old')).to.include({ id: root.id });
			expect(await tokensOf(root.id)).to.have.length(2);
			await update(admin, root.id, { password: 'new' });
			expect(await logIn(root.username, 'new')).to.include({ id: root.id });
			for (const permission of ['edit-other-user-info', 'edit-other-user-password']) await allow(permission, 'admin');
			await update(admin, root.id, { roles: ['user'] });
		});

		it('refuses an unknown user, an empty id, unknown fields and a blank name', async () => {
			expect(await rejection(update(admin, 'nobody', {}))).to.include({ error: 'error-invalid-user' });
			const changes = [{ joinDefaultChannels: true }, { services: {} }, { e2e: {} }, { name: ' ' }];
			for (const [id, data] of [['', {}] as const, ...changes.map((change) => ['x', change] as const)]) {
				const error = await rejection(update(admin, id, data));
				expect(error).to.have.nested.property('sanitizedError.reason', 'Match failed');
			}
		});
	});

	describe('users.updateOwnBasicInfo', () => {
		it("changes the caller's name without a password", async () => {
			const person = await addPerson(roomkey.store);
			const username = newName();
			const { user } = await updateOwn(person, { name: 'Own', username });
			expect(user).to.include({ name: 'Own', username });
			expect(await eventsOf(() => updateOwn(person, { name: 'Own', username }))).to.deep.equal([]);
		});

		for (const [what, currentPassword] of [
			['as SHA-256', sha256('old')],
			['as SHA-256 in upper case', sha256('old').toUpperCase()],
			['as plain text', 'old'],
			['as a digest', { digest: sha256('old'), algorithm: 'sha-256' }],
		] as const) {
			it(`sets a password if the present one is given ${what}, and ends all other logins`, async () => {
				const person = await addPerson(roomkey.store, { username: newName(), password: 'old' });
				await logIn(person.username, 'old');
				await updateOwn(person, { currentPassword, newPassword: 'new' });
				expect(await tokensOf(person.id)).to.deep.equal([hashToken(person.token)]);
				expect(await logIn(person.username, 'new')).to.include({ id: person.id });
			});
		}

		it('requires the present password to change password or e-mail', async () => {
			const person = await addPerson(roomkey.store, { username: newName(), password: 'old' });
			const before = await userOf(person.id);
			for (const data of [{ newPassword: 'new' }, { email: 'new@x' }]) {
				for (const more of [{}, { currentPassword: 'wrong' }, { currentPassword: sha256('wrong') }]) {
					expect(await rejection(updateOwn(person, { ...data, ...more }))).to.include({
						error: 'error-invalid-password',
					});
				}
			}
			expect(await userOf(person.id)).to.deep.equal(before);
			const { user } = await updateOwn(person, { email: 'New@x', currentPassword: 'old' });
			expect(user.emails).to.deep.equal([{ address: 'New@x', verified: false }]);
		});

		it('refuses roles', async () => {
			const error = await rejection(updateOwn(admin, { roles: ['admin'] }));
			expect(error).to.have.nested.property('sanitizedError.reason', 'Match failed');
		});
	});

	describe('users.setActiveStatus', () => {
		it('ends all logins of a deactivated user, and allows new ones after activation', async () => {
			const person = await addPerson(roomkey.store, { username: newName(), password: 'secret' });
			const events = await eventsOf(() => setActive(admin, person.id, false));
			expect(events).to.deep.equal([
				userChanged(person.id),
				{ userId: person.id, hashedTokens: [hashToken(person.token)] },
			]);
			expect(await rejection(logIn(person.username, 'secret'))).to.include({ error: 403 });
			expect(await eventsOf(() => setActive(admin, person.id, false))).to.deep.equal([]);
			expect(await setActive(admin, person.id, true)).to.deep.equal({ user: { _id: person.id, active: true } });
			expect(await logIn(person.username, 'secret')).to.include({ id: person.id });
		});

		it('requires edit-other-user-active-status, and a user who exists', async () => {
			const person = await addPerson(roomkey.store);
			expect(await rejection(setActive(person, admin.id, false))).to.include({ error: 'error-unauthorized' });
			expect(await rejection(setActive(admin, 'nobody', false))).to.include({ error: 'error-invalid-user' });
		});

		/** Stores a room of three, in which `early` joined before `late` but is stored later. */
		async function roomOfThree() {
			const { store } = roomkey;
			const [owner, late, early] = [await addPerson(store), await addPerson(store), await addPerson(store)];
			const rid = await addRoom(store, []);
			await addMember(store, rid, owner, { roles: ['owner'], ts: new Date(0) });
			await addMember(store, rid, late, { ts: new Date(2) });
			await addMember(store, rid, early, { ts: new Date(1) });
			return { rid, owner, late, early };
		}

		it('makes the earliest member of a room an owner too, but only if the caller confirms it', async () => {
			const { store } = roomkey;
			const { rid, owner, early } = await roomOfThree();
			const alone = await addRoom(store, []);
			await addMember(store, alone, owner, { roles: ['owner'] });
			const refused = await rejection(setActive(admin, owner.id, false));
			expect(refused).to.deep.include({
				error: 'user-last-owner',
				details: { shouldChangeOwner: [rid], shouldBeRemoved: [] },
			});
			expect(await rejection(update(admin, owner.id, { active: false }))).to.include({ error: 'user-last-owner' });
			expect(await userOf(owner.id)).to.include({ active: true });
			await setActive(admin, owner.id, false, true);
			const owners = await store.subscriptions.find({ rid, roles: 'owner' }).toArray();
			expect(owners.map(({ u }) => u._id)).to.have.members([owner.id, early.id]);
		});

		it('makes the next member an owner if the earliest leaves meanwhile', async () => {
			const { store } = roomkey;
			const { rid, owner, late, early } = await roomOfThree();
			const overtaken = await openOvertaken('subscriptions', () =>
				store.subscriptions.deleteOne({ rid, 'u._id': early.id }),
			);
			await overtaken.call(admin, 'users.setActiveStatus', false, owner.id, true);
			await overtaken.close();
			expect((await store.subscriptions.findOne({ rid, 'u._id': late.id }))?.roles).to.deep.equal(['owner']);
		});
	});

	for (const [name, setSameName] of [
		['users.update', (person: Person) => update(admin, person.id, { username: person.username })],
		['users.updateOwnBasicInfo', (person: Person) => updateOwn(person, { username: person.username })],
	] as const) {
		it(`${name} with an unchanged user name only completes an interrupted renaming, if there is one`, async () => {
			const person = await addPerson(roomkey.store, { username: newName() });
			const rid = await addRoom(roomkey.store, [person], { u: { _id: person.id, username: 'other' } });
			// An interrupted renaming is recognized by a membership with the former name. Without one, rooms are not read.
			await setSameName(person);
			const nameOfCreator = async () => (await roomkey.store.rooms.findOne({ _id: rid }))?.u?.username;
			expect(await nameOfCreator()).to.equal('other');
			await addRoom(roomkey.store, [{ ...person, username: 'former' }]);
			await setSameName(person);
			expect(await nameOfCreator()).to.equal(person.username);
			const former = { 'u._id': person.id, 'u.username': 'former' };
			expect(await roomkey.store.subscriptions.countDocuments(former)).to.equal(0);
		});
	}

	for (const [name, deactivate] of [
		['users.setActiveStatus', (id: string) => setActive(admin, id, false)],
		['users.update', (id: string) => update(admin, id, { active: false })],
	] as const) {
		it(`${name} notifies the rooms that lose their last active key holder (beyond.md E11)`, async () => {
			const { store } = roomkey;
			const [person, other] = [await addPerson(store, identity()), await addPerson(store, identity())];
			const add = async (member: Person, rid: string) => addMember(store, rid, member, { E2EKey: sealed('k') });
			const room = () => addRoom(store, [], { encrypted: true, e2eKeyId: 'k' });
			const [lost, shared, alone] = [await room(), await room(), await room()];
			for (const rid of [lost, shared, alone]) await add(person, rid);
			await addMember(store, lost, other);
			await add(other, shared);
			const events: string[] = [];
			const stop = roomkey.bus.on('notify', ({ eventName, args }) => void events.push(`${eventName} ${args}`));
			expect(await deactivate(person.id)).to.have.property('lastKeyHolder', true);
			expect(events).to.deep.equal([`${lost}/e2e.noKeyHolder ${person.id}`]);
			expect(await deactivate(person.id)).to.not.have.property('lastKeyHolder');
			expect(events).to.have.length(1);
			stop();
			// Without an active holder, any member with identity keys may reset the room key.
			await roomkey.call(other, 'e2e.resetRoomKey', lost, sealed('next'), 'next');
		});
	}

	describe('the last admin', () => {
		const lastAdmin = { error: 'error-action-not-allowed', reason: 'Leaving the app without admins is not allowed' };

		it('cannot lose the role, or be deactivated or deleted', async () => {
			for (const change of [{ roles: ['user'] }, { active: false }]) {
				expect(await rejection(update(admin, admin.id, change))).to.include(lastAdmin);
			}
			expect(await rejection(setActive(admin, admin.id, false))).to.include(lastAdmin);
			expect(await rejection(roomkey.call(admin, 'users.delete', admin.id))).to.include(lastAdmin);
			expect(await userOf(admin.id)).to.deep.include({ roles: ['admin'], active: true });
			expect(await tokensOf(admin.id)).to.deep.equal([hashToken(admin.token)]);
		});

		it('keeps their rooms when their deactivation or deletion is refused', async () => {
			const { store } = roomkey;
			const rid = await addRoom(store, [await addPerson(store)]);
			await addMember(store, rid, admin, { roles: ['owner'] });
			for (const end of [
				() => update(admin, admin.id, { active: false }, true),
				() => setActive(admin, admin.id, false, true),
				() => roomkey.call(admin, 'users.delete', admin.id, undefined, undefined, true),
			]) {
				expect(await rejection(end())).to.include(lastAdmin);
			}
			expect(await store.subscriptions.countDocuments({ rid, roles: 'owner' })).to.equal(1);
			await store.rooms.deleteOne({ _id: rid });
			await store.subscriptions.deleteMany({ rid });
		});

		for (const [what, end] of [
			['take the role from each other', (one: Person, other: Person) => update(one, other.id, { roles: ['user'] })],
			['deactivate each other', (one: Person, other: Person) => setActive(one, other.id, false)],
			[
				'delete each other',
				(one: Person, other: Person) => roomkey.call(one, 'users.delete', other.id) as Promise<unknown>,
			],
		] as const) {
			it(`remains when two admins concurrently ${what}`, async () => {
				for (let round = 0; round < 5; round++) {
					const second = await addPerson(roomkey.store, { username: newName(), roles: ['admin'] });
					await Promise.allSettled([end(admin, second), end(second, admin)]);
					const admins = await roomkey.store.users.find({ roles: 'admin', active: { $ne: false } }).toArray();
					expect(admins.length).to.be.at.least(1);
					if (!admins.some(({ _id }) => _id === admin.id)) admin = second;
					else await roomkey.store.users.deleteOne({ _id: second.id });
				}
			});
		}
	});
});
