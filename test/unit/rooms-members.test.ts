/** Joining, leaving and removing (test/contract/rocketchat-e2e.md 5.7, 10.4; test/contract/beyond.md E9 to E12, T1, T3). */
import { expect } from 'chai';
import type { Subscription, User } from '../../shared/documents.js';
import { recordEvents } from '../support/announced.js';
import { openHookedRoomkey } from '../support/hooks.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { during } from '../support/settings.js';

const identity = { e2e: { public_key: 'public', private_key: 'private' } };
const OWNER = { roles: ['owner'] };

describe('members of a room', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, { username: 'alice', ...identity });
		bob = await addPerson(roomkey.store, { username: 'bob', ...identity });
	});
	after(() => roomkey.close());

	const person = (fields: Partial<User> = {}) => addPerson(roomkey.store, fields);

	async function room(fields = {}, membershipFields: Partial<Subscription> = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, [], { usersCount: 1, ...fields });
		await addMember(roomkey.store, rid, alice, { ...OWNER, ...membershipFields });
		return rid;
	}

	const membershipOf = ({ id }: Person, rid: string) => roomkey.store.subscriptions.findOne({ rid, 'u._id': id });
	const roomOf = (rid: string) => roomkey.store.rooms.findOne({ _id: rid });
	const waiting = async (rid: string) => (await roomOf(rid))?.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? [];
	const invite = (as: Person, rid: string, userId: string) => roomkey.call(as, 'groups.invite', rid, undefined, userId);
	const kick = (as: Person, rid: string, userId: string, confirm?: boolean) =>
		roomkey.call(as, 'groups.kick', rid, undefined, userId, undefined, undefined, confirm);
	const leave = (as: Person, rid: string, confirm?: boolean) =>
		roomkey.call(as, 'groups.leave', rid, undefined, confirm);

	it('are removed even if another user joins concurrently', async () => {
		const { roomkey: watched, hooked } = await openHookedRoomkey();
		const admin = await addPerson(watched.store, { roles: ['admin', 'user'] });
		const joiner = await addPerson(watched.store);
		const member = await addPerson(watched.store);
		let step = 0;
		// In each round, the join runs before a later look-up of the removal. In the last round there is no such look-up.
		for (let hasRun = true; hasRun; step++) {
			hasRun = false;
			const rid = await addRoom(watched.store, [member], { t: 'c', usersCount: 1, name: `joined-${step}` });
			const join = () => {
				hasRun = true;
				return watched.call(joiner, 'channels.join', rid).catch(() => {});
			};
			hooked.before('subscriptions', 'findOne', join, step);
			await watched.call(admin, 'channels.kick', rid, undefined, member.id).catch(() => {});
			const membership = await watched.store.subscriptions.findOne({ rid, 'u._id': member.id });
			expect(membership, `${step} look-ups before the join`).to.equal(null);
		}
		expect(step).to.be.greaterThan(2);
		await watched.close();
	});

	it('cannot be invited or removed by an empty id', async () => {
		const rid = await room({});
		for (const call of [() => kick(alice, rid, ''), () => invite(alice, rid, '')])
			expect(await rejection(call())).to.include({ error: 'error-users-params-not-provided' });
	});

	describe('adding a member', () => {
		it('notifies the new member and the room, and requests the key (5.7, 10.4)', async () => {
			const rid = await room({ encrypted: true, e2eKeyId: 'k' }, { E2EKey: `k-${Math.random()}` });
			const received = await recordEvents(roomkey.bus, () => invite(alice, rid, bob.id));
			const membership = await membershipOf(bob, rid);
			expect(received.of('subscriptions')).to.deep.equal([`inserted ${membership?._id}`]);
			expect(received.of('rooms')).to.deep.equal([`updated ${rid}`]);
			expect(received.changes.at(-1)?.document).to.deep.include({ usersCount: 2 });
			expect(received.notices).to.deep.equal([{ name: `notify-room ${rid}/e2e.keyRequest`, args: ['k'] }]);
			expect(await waiting(rid)).to.deep.equal([bob.id]);
			expect((await roomkey.store.users.findOne({ _id: bob.id }))?.__rooms).to.include(rid);
		});

		it('queues only users with identity keys, and only in encrypted rooms (E9)', async () => {
			const carol = await person();
			const encrypted = await room({ encrypted: true });
			await invite(alice, encrypted, carol.id);
			expect(await waiting(encrypted)).to.deep.equal([]);
			const plain = await room();
			const received = await recordEvents(roomkey.bus, () => invite(alice, plain, bob.id));
			expect(await waiting(plain)).to.deep.equal([]);
			expect(received.notices).to.deep.equal([]);
		});

		it('queues nobody and requests no key while E2E_Enable is off', async () => {
			const rid = await room({ encrypted: true, e2eKeyId: 'k' });
			await during(roomkey.store, 'E2E_Enable', false, async () => {
				const received = await recordEvents(roomkey.bus, () => invite(alice, rid, bob.id));
				expect(received.notices).to.deep.equal([]);
			});
			expect(await waiting(rid)).to.deep.equal([]);
		});

		it('makes one membership and one event for 20 concurrent invitations (E10)', async () => {
			const rid = await room({ encrypted: true });
			const received = await recordEvents(roomkey.bus, () =>
				Promise.all(Array.from({ length: 20 }, () => invite(alice, rid, bob.id))),
			);
			expect(await roomkey.store.subscriptions.countDocuments({ rid, 'u._id': bob.id })).to.equal(1);
			expect((await roomOf(rid))?.usersCount).to.equal(2);
			expect(received.of('subscriptions')).to.have.length(1);
			expect(await waiting(rid)).to.deep.equal([bob.id]);
		});

		it('counts each of 20 users who join a channel concurrently (E10)', async () => {
			const rid = await addRoom(roomkey.store, [], { t: 'c', usersCount: 0 });
			const people = await Promise.all(Array.from({ length: 20 }, () => person()));
			await Promise.all(people.flatMap((one) => [1, 2].map(() => roomkey.call(one, 'channels.join', rid))));
			expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(20);
			expect((await roomOf(rid))?.usersCount).to.equal(20);
		});

		it('restores nothing of a former membership (E10)', async () => {
			const rid = await room({ encrypted: true, e2eKeyId: 'k' }, { E2EKey: `k-${Math.random()}` });
			await addMember(roomkey.store, rid, bob, {
				...OWNER,
				E2EKey: `k-${Math.random()}`,
				oldRoomKeys: [{ e2eKeyId: 'j', ts: new Date(), E2EKey: 'old' }],
			});
			await leave(bob, rid);
			await invite(alice, rid, bob.id);
			const membership = await membershipOf(bob, rid);
			expect(membership).to.not.have.any.keys(
				'E2EKey',
				'E2ESuggestedKey',
				'oldRoomKeys',
				'suggestedOldRoomKeys',
				'roles',
			);
			expect(await waiting(rid)).to.deep.equal([bob.id]);
		});

		it('makes an invited user a member, and counts them', async () => {
			const rid = await room();
			await addMember(roomkey.store, rid, bob, { status: 'INVITED' });
			const received = await recordEvents(roomkey.bus, () => invite(alice, rid, bob.id));
			const membership = await membershipOf(bob, rid);
			expect(membership).not.to.have.property('status');
			expect(received.of('subscriptions')).to.deep.equal([`updated ${membership?._id}`]);
			expect((await roomOf(rid))?.usersCount).to.equal(2);
		});

		it('writes nothing and sends no event if the user is a member (T1)', async () => {
			const rid = await room({ encrypted: true, e2eKeyId: 'k' });
			await addMember(roomkey.store, rid, bob, { E2EKey: `k-${Math.random()}` });
			expect(await recordEvents(roomkey.bus, () => invite(alice, rid, bob.id))).to.deep.include({
				changes: [],
				notices: [],
			});
		});

		it('finds users by ids and usernames, and adds all or none', async () => {
			const [one, two] = [await person(), await person()];
			const rid = await room();
			await roomkey.call(alice, 'groups.invite', rid, undefined, undefined, one.username);
			await roomkey.call(alice, 'groups.invite', rid, undefined, undefined, undefined, undefined, [two.id], ['bob']);
			expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(4);
			const other = await room();
			const unknown = [[one.id, 'nobody'], ['bob']];
			expect(
				await rejection(
					roomkey.call(alice, 'groups.invite', other, undefined, undefined, undefined, undefined, ...unknown),
				),
			).to.include({ error: 'error-invalid-user' });
			expect(await roomkey.store.subscriptions.countDocuments({ rid: other })).to.equal(1);
			expect(await rejection(roomkey.call(alice, 'groups.invite', rid))).to.include({
				error: 'error-users-params-not-provided',
			});
		});

		it('uses `user` if `username` is empty', async () => {
			const rid = await room();
			await roomkey.call(alice, 'groups.invite', rid, undefined, undefined, '', bob.username);
			expect(await membershipOf(bob, rid)).to.include({ rid });
		});

		it('is for owners, and in any channel for admins', async () => {
			const rid = await room();
			const [carol, admin] = [await person(), await person({ roles: ['admin'] })];
			await addMember(roomkey.store, rid, bob);
			expect(await rejection(invite(bob, rid, carol.id))).to.include({ error: 'error-not-allowed' });
			// For a caller who may not see the room, it does not exist.
			for (const stranger of [carol, admin]) {
				expect(await rejection(invite(stranger, rid, carol.id))).to.include({ error: 'error-room-not-found' });
			}
			const channel = await addRoom(roomkey.store, [], { t: 'c' });
			await roomkey.call(admin, 'channels.invite', channel, undefined, carol.id);
			expect(await membershipOf(carol, channel)).not.to.equal(null);
			expect(await rejection(roomkey.call(admin, 'groups.invite', channel, undefined, carol.id))).to.include({
				error: 'error-room-not-found',
			});
		});

		for (const [what, fields] of [
			['whose members are chosen by attributes', { abacAttributes: [{ key: 'k', values: ['v'] }] }],
			['of another server', { federated: true }],
			['that is archived', { archived: true }],
		] as const) {
			it(`is refused in a room ${what}`, async () => {
				const rid = await room(fields);
				expect(await rejection(invite(alice, rid, bob.id))).to.include({ error: 'error-not-allowed' });
			});
		}

		it('is refused to a user who joins an archived channel', async () => {
			const rid = await addRoom(roomkey.store, [], { t: 'c', archived: true });
			expect(await rejection(roomkey.call(bob, 'channels.join', rid))).to.include({ error: 'error-not-allowed' });
		});

		it('requires the join code of a channel, except from admins', async () => {
			const rid = await addRoom(roomkey.store, [], { t: 'c', joinCodeRequired: true });
			expect(await rejection(roomkey.call(bob, 'channels.join', rid))).to.include({ error: 'error-code-required' });
			await roomkey.call(await person({ roles: ['admin'] }), 'channels.join', rid);
		});

		it('leaves no membership if the room, or the user, is deleted concurrently', async () => {
			for (const gone of ['rooms', 'users'] as const) {
				const carol = await person();
				const other = await openRoomkey(undefined, {}, (store) => ({
					...store,
					subscriptions: {
						...store.subscriptions,
						insertOne: async (document, options) => {
							await store.subscriptions.insertOne(document, options);
							await store[gone].deleteMany({ _id: { $in: [document.rid, document.u._id] } }, { silent: true });
						},
					},
				}));
				await other.store.users.insertOne({ _id: alice.id, username: 'alice', roles: ['user'] });
				await other.store.users.insertOne({ _id: carol.id, username: carol.username, roles: ['user'] });
				const rid = await addRoom(other.store, [], { t: 'c', usersCount: 1 });
				const received = await recordEvents(other.bus, async () => {
					expect(await rejection(other.call(carol, 'channels.join', rid))).to.include({
						error: gone === 'rooms' ? 'error-room-not-found' : 'error-invalid-user',
					});
				});
				expect(received.changes).to.deep.equal([]);
				expect(await other.store.subscriptions.countDocuments({})).to.equal(0);
				if (gone === 'users') expect((await other.store.rooms.findOne({ _id: rid }))?.usersCount).to.equal(1);
				await other.close();
			}
		});
	});

	describe('leaving or removal', () => {
		it('deletes the membership, dequeues the user, and notifies user and room', async () => {
			const rid = await room({
				encrypted: true,
				usersCount: 2,
				usersWaitingForE2EKeys: [{ userId: bob.id, ts: new Date() }],
			});
			await addMember(roomkey.store, rid, bob, { t: 'p' });
			const membership = await membershipOf(bob, rid);
			const received = await recordEvents(roomkey.bus, () => leave(bob, rid));
			expect(await membershipOf(bob, rid)).to.equal(null);
			expect(await roomOf(rid)).to.include({ usersCount: 1 });
			expect(await waiting(rid)).to.deep.equal([]);
			const removal = received.changes.find(({ collection }) => collection === 'subscriptions');
			expect(removal).to.deep.include({
				action: 'removed',
				document: membership,
			});
			expect(received.of('rooms').at(-1)).to.equal(`updated ${rid}`);
			expect((await roomkey.store.users.findOne({ _id: bob.id }))?.__rooms ?? []).not.to.include(rid);
			const { _deletedAt, _updatedAt, ...trashed } =
				(await roomkey.store.trash.findOne({ _id: membership?._id as string })) ?? {};
			expect(_deletedAt).to.be.a('date');
			expect(trashed).to.deep.equal({
				_id: membership?._id,
				__collection__: 'subscription',
				rid,
				u: { _id: bob.id, username: 'bob' },
			});
		});

		it('by others requires remove-user in the room, or kick-user-from-any-c-room', async () => {
			const rid = await room({ usersCount: 3 });
			const carol = await person();
			await addMember(roomkey.store, rid, bob);
			await addMember(roomkey.store, rid, carol);
			expect(await rejection(kick(bob, rid, carol.id))).to.include({ error: 'error-not-allowed' });
			await kick(alice, rid, carol.id);
			expect(await membershipOf(carol, rid)).to.equal(null);
			expect(await rejection(kick(alice, rid, carol.id))).to.include({ error: 'error-user-not-in-room' });
			const channel = await addRoom(roomkey.store, [carol], { t: 'c' });
			await roomkey.call(await person({ roles: ['admin'] }), 'channels.kick', channel, undefined, carol.id);
			expect(await membershipOf(carol, channel)).to.equal(null);
		});

		it('lowers the number of members once for 20 concurrent removals', async () => {
			const rid = await room({ usersCount: 2 });
			await addMember(roomkey.store, rid, bob);
			const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => kick(alice, rid, bob.id)));
			expect(outcomes.some(({ status }) => status === 'fulfilled')).to.equal(true);
			expect(await roomOf(rid)).to.include({ usersCount: 1 });
		});

		it('is refused for the last owner, who has to delete the room', async () => {
			const rid = await room({ usersCount: 2 });
			const moderator = bob;
			await addMember(roomkey.store, rid, moderator, { roles: ['moderator'] });
			const attempts = [rejection(leave(alice, rid)), rejection(kick(moderator, rid, alice.id))];
			for (const error of await Promise.all(attempts)) {
				expect(error).to.deep.include({
					error: 'error-you-are-last-owner',
					reason: 'You are the last owner. Please set new owner before leaving the room.',
				});
			}
			expect((await membershipOf(alice, rid))?.roles).to.deep.equal(['owner']);
			await leave(moderator, rid);
			expect(await rejection(leave(alice, rid))).to.include({ error: 'error-you-are-last-owner' });
			// A refused call removes its note that she is about to leave.
			expect(await membershipOf(alice, rid)).to.not.have.property('departures');
			await roomkey.call(alice, 'groups.delete', rid);
			expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(0);
		});

		for (const [t, how] of [
			['c', 'leave'],
			['p', 'leave'],
			['c', 'kick'],
		] as const) {
			it(`deletes the room of a last member who is no owner (${t}, ${how})`, async () => {
				const admin = await person({ roles: ['admin'] });
				const name = `ends-${t}-${how}`;
				const rid = await addRoom(roomkey.store, [bob], { t, name });
				const plural = t === 'c' ? 'channels' : 'groups';
				let answer: unknown;
				const received = await recordEvents(roomkey.bus, async () => {
					answer =
						how === 'leave'
							? await roomkey.call(bob, `${plural}.leave`, rid)
							: await roomkey.call(admin, `${plural}.kick`, rid, undefined, bob.id);
				});
				if (t === 'c') expect(answer).to.have.nested.property('channel._id', rid);
				else expect(answer).to.deep.equal({});
				expect(await roomOf(rid)).to.equal(null);
				expect(await membershipOf(bob, rid)).to.equal(null);
				expect(received.of('rooms')).to.deep.equal([`removed ${rid}`]);
				expect(received.of('subscriptions')).to.have.length(1);
				await roomkey.call(alice, `${plural}.create`, name);
			});
		}

		it('deletes the room if the last two members leave concurrently', async () => {
			for (let i = 0; i < 10; i++) {
				const carol = await person();
				const rid = await addRoom(roomkey.store, [bob, carol], { name: `two-${i}` });
				await Promise.all([leave(bob, rid), leave(carol, rid)]);
				expect(await roomOf(rid)).to.equal(null);
			}
		});

		it('keeps the main room of a team, and a room with an invitation', async () => {
			const team = await addRoom(roomkey.store, [bob], { teamId: 'team', teamMain: true });
			await leave(bob, team);
			expect(await roomOf(team)).not.to.equal(null);
			const open = await addRoom(roomkey.store, [bob]);
			await addMember(roomkey.store, open, await person(), { status: 'INVITED' });
			await leave(bob, open);
			expect(await roomOf(open)).not.to.equal(null);
		});

		it('keeps one owner if all owners leave concurrently', async () => {
			const carol = await person();
			for (let i = 0; i < 10; i++) {
				const rid = await room({ usersCount: 3 });
				await addMember(roomkey.store, rid, bob, OWNER);
				await addMember(roomkey.store, rid, carol);
				await Promise.allSettled([leave(alice, rid), leave(bob, rid)]);
				expect(await roomkey.store.subscriptions.countDocuments({ rid, roles: 'owner' })).to.be.at.least(1);
			}
		});

		it('is refused to users who are no members or may not leave', async () => {
			const guest = await person({ roles: ['guest'] });
			const rid = await room();
			await addMember(roomkey.store, rid, guest);
			expect(await rejection(leave(guest, rid))).to.include({ error: 'error-not-allowed' });
			expect(await rejection(leave(bob, rid))).to.include({ error: 'error-room-not-found' });
			const channel = await addRoom(roomkey.store, [], { t: 'c' });
			expect(await rejection(roomkey.call(bob, 'channels.leave', channel))).to.include({
				error: 'error-user-not-in-room',
			});
		});
	});

	describe('the key of a room when a member leaves', () => {
		const keyed = { encrypted: true, e2eKeyId: 'k' };
		const withKey = () => ({ E2EKey: `k-${Math.random()}` });

		for (const [what, leaveOrKick] of [
			['leaves', leave],
			['is removed', (as: Person, rid: string, confirm?: boolean) => kick(alice, rid, as.id, confirm)],
		] as const) {
			it(`is reported without a holder if the last holder ${what} (E11)`, async () => {
				const rid = await room(keyed);
				await addMember(roomkey.store, rid, bob, withKey());
				let answer: unknown;
				const received = await recordEvents(roomkey.bus, async () => {
					answer = await leaveOrKick(bob, rid);
				});
				expect(answer).to.deep.equal({ lastKeyHolder: true });
				expect(received.notices.at(-1)).to.deep.equal({ name: `notify-room ${rid}/e2e.noKeyHolder`, args: [bob.id] });
			});

			it(`still has a holder if one of several holders ${what} (E11)`, async () => {
				const rid = await room(keyed, withKey());
				await addMember(roomkey.store, rid, bob, withKey());
				expect(await leaveOrKick(bob, rid)).to.deep.equal({});
			});
		}

		it('is reported without a holder if the last two holders leave concurrently (E11)', async () => {
			const carol = await person();
			for (let i = 0; i < 10; i++) {
				const rid = await room(keyed);
				for (const holder of [bob, carol]) await addMember(roomkey.store, rid, holder, withKey());
				const answers = await Promise.all([leave(bob, rid), leave(carol, rid)]);
				expect(answers.filter((answer) => (answer as { lastKeyHolder?: true }).lastKeyHolder)).not.to.deep.equal([]);
			}
		});

		it('is given up only with `confirm: true` if `confirmLastKeyHolder` is set (E11)', async () => {
			const strict = await openRoomkey(undefined, { confirmLastKeyHolder: true });
			const [one, two] = [await addPerson(strict.store), await addPerson(strict.store)];
			const rid = await addRoom(strict.store, [one], keyed);
			await addMember(strict.store, rid, two, { ...OWNER, ...withKey() });
			await strict.store.subscriptions.updateOne({ rid, 'u._id': one.id }, { $set: { roles: ['owner'] } });
			const before = await strict.store.subscriptions.findOne({ rid, 'u._id': two.id });
			const received = await recordEvents(strict.bus, async () => {
				for (const confirm of [undefined, false]) {
					expect(await rejection(strict.call(two, 'groups.leave', rid, undefined, confirm))).to.deep.include({
						error: 'error-last-key-holder',
						details: { method: 'groups.leave' },
					});
				}
			});
			expect(received.changes).to.deep.equal([]);
			expect(await strict.store.subscriptions.findOne({ rid, 'u._id': two.id })).to.deep.equal(before);
			expect(await strict.call(two, 'groups.leave', rid, undefined, true)).to.deep.equal({ lastKeyHolder: true });
			await strict.call(one, 'groups.delete', rid);
			await strict.close();
		});

		const old = (e2eKeyId: string): Partial<Subscription> => ({
			oldRoomKeys: [{ e2eKeyId, ts: new Date(), E2EKey: `${e2eKeyId}-old` }],
		});
		for (const [what, fields, isStale] of [
			['had the key', withKey(), true],
			['had an offer of the key', { E2ESuggestedKey: 'k-offered' }, true],
			['had the key among the old keys', old('k'), true],
			['had only another old key', old('j'), false],
			['never had the key', {}, false],
		] as const) {
			it(`is ${isStale ? 'stale' : 'not stale'} if a removed member ${what} (E12)`, async () => {
				const rid = await room(keyed, withKey());
				await addMember(roomkey.store, rid, bob, fields);
				const received = await recordEvents(roomkey.bus, () => kick(alice, rid, bob.id));
				const { e2eStale } = (await roomOf(rid)) ?? {};
				expect(e2eStale?.reason).to.equal(isStale ? 'member-removed' : undefined);
				const notified = received.notices.filter(({ name }) => name.endsWith('e2eKeyStale'));
				expect(notified.map(({ name, args }) => [name, args[0]])).to.deep.equal(
					isStale ? [[`notify-user ${alice.id}/e2eKeyStale`, rid]] : [],
				);
			});
		}

		it('is stale for the reason `member-left` if the member leaves (E12)', async () => {
			const rid = await room(keyed, withKey());
			await addMember(roomkey.store, rid, bob, withKey());
			await leave(bob, rid);
			expect((await roomOf(rid))?.e2eStale?.reason).to.equal('member-left');
		});
	});

	describe('groups.members (T3)', () => {
		it('lists members by name, in pages', async () => {
			const rid = await addRoom(roomkey.store, [], { t: 'p' });
			const names = Array.from({ length: 7 }, (_, i) => `page-${i}`);
			for (const username of [...names].reverse()) {
				await addMember(roomkey.store, rid, await person({ username, name: username.toUpperCase() }));
			}
			await addMember(roomkey.store, rid, bob, { status: 'INVITED' });
			const as = { id: (await roomkey.store.users.findOne({ username: 'page-3' }))?._id as string } as Person;
			const page = (offset?: number, count?: number) =>
				roomkey.call(as, 'groups.members', rid, undefined, count, offset) as Promise<{ members: User[] }>;
			const all = await page();
			expect(all).to.deep.include({ count: 7, offset: 0, total: 7 });
			expect(all.members.map(({ username }) => username)).to.deep.equal(names);
			expect(Object.keys(all.members[0] ?? {})).to.have.members(['_id', 'username', 'name']);
			const second = await page(3, 3);
			expect(second).to.deep.include({ count: 3, offset: 3, total: 7 });
			expect(second.members.map(({ username }) => username)).to.deep.equal(names.slice(3, 6));
			expect(await page(7)).to.deep.equal({ members: [], count: 0, offset: 7, total: 7 });
			expect(await rejection(roomkey.call(as, 'groups.members', rid, undefined, -1))).to.include({
				errorType: 'Match.Error',
			});
			expect(await rejection(roomkey.call(alice, 'groups.members', rid))).to.include({
				error: 'error-room-not-found',
			});
		});
	});
});
