/** `rooms.adminRooms`, `rooms.adminRooms.getRoom`, `rooms.adminRooms.members`, as functions. */
import { expect } from 'chai';
import { MatchError } from '../../shared/errors.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('all rooms, for admins', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'root', roles: ['admin'] });
		alice = await addPerson(roomkey.store, { username: 'alice' });
		bob = await addPerson(roomkey.store, { username: 'bob' });
		await addRoom(roomkey.store, [bob], {
			_id: 'p',
			name: 'Secret.Room',
			encrypted: true,
			joinCode: 'secret',
		} as object);
		await addMember(roomkey.store, 'p', alice, { roles: ['owner'], E2EKey: 'sealed' });
		const carol = await addPerson(roomkey.store, { username: 'carol' });
		await addMember(roomkey.store, 'p', carol, { E2ESuggestedKey: 'offer' });
		const dave = await addPerson(roomkey.store, { username: 'dave' });
		await addMember(roomkey.store, 'p', dave, { status: 'INVITED' });
		await addRoom(roomkey.store, [alice, bob], { _id: 'd', t: 'd', usernames: ['alice', 'bob'] });
	});
	after(() => roomkey.close());

	const list = async (...args: unknown[]) => {
		const { rooms, total } = (await roomkey.call(admin, 'rooms.adminRooms', ...args)) as {
			rooms: { _id: string }[];
			total: number;
		};
		return { ids: rooms.map(({ _id }) => _id), total };
	};

	it('are listed whether or not the admin is a member, in pages', async () => {
		expect(await list()).to.deep.equal({ ids: ['d', 'p'], total: 2 });
		expect(await list(1, 1)).to.deep.equal({ ids: ['p'], total: 2 });
	});

	it('are found by id, part of the name, or member of a direct room; not by pattern', async () => {
		for (const [filter, ids] of [
			['secret.r', ['p']],
			['BOB', ['d']],
			['p', ['p']],
			['.*', []],
			['\0', []],
			['', ['d', 'p']],
		] as const)
			expect((await list(undefined, undefined, filter)).ids, filter).to.deep.equal(ids);
		expect(await rejection(list(undefined, undefined, 'x'.repeat(255)))).to.be.instanceOf(MatchError);
	});

	it('are shown without secrets', async () => {
		const room = await roomkey.call(admin, 'rooms.adminRooms.getRoom', 'p');
		expect(room).to.include({ _id: 'p', name: 'Secret.Room', encrypted: true }).and.not.have.property('joinCode');
		expect(await rejection(roomkey.call(admin, 'rooms.adminRooms.getRoom', 'none'))).to.include({
			error: 'error-room-not-found',
			reason: 'There is no room with this id',
		});
	});

	it('are shown without their last message, also by `im.create` for two other users', async () => {
		const lastMessage = { msg: 'between alice and bob' };
		await roomkey.store.rooms.updateOne({ _id: 'd' }, { $set: { lastMessage } as object });
		const answers: unknown[] = await Promise.all([
			roomkey.call(admin, 'rooms.adminRooms'),
			roomkey.call(admin, 'rooms.adminRooms.getRoom', 'd'),
		]);
		const { room } = (await roomkey.call(alice, 'im.create', 'bob')) as { room: { _id: string } };
		await roomkey.store.rooms.updateOne({ _id: room._id }, { $set: { lastMessage } as object });
		answers.push(await roomkey.call(admin, 'im.create', undefined, ['alice', 'bob'], true));
		expect(answers[2]).to.have.nested.property('room._id', room._id);
		expect(JSON.stringify(answers)).not.to.include('lastMessage');
		expect(await roomkey.call(alice, 'im.create', 'bob')).to.have.nested.property('room.lastMessage.msg');
		await roomkey.store.rooms.deleteOne({ _id: room._id });
		await roomkey.store.subscriptions.deleteMany({ rid: room._id });
	});

	it('show their members, and which of them hold the key', async () => {
		const { members, total } = (await roomkey.call(admin, 'rooms.adminRooms.members', 'p')) as {
			members: { username: string; roles: string[]; key: string }[];
			total: number;
		};
		expect(total).to.equal(3);
		expect(members.map(({ username, roles, key }) => [username, roles, key])).to.deep.equal([
			['alice', ['owner'], 'held'],
			['bob', [], 'none'],
			['carol', [], 'offered'],
		]);
		expect(JSON.stringify(members)).not.to.include('sealed').and.not.include('offer"');
	});

	it('are shown only to callers with view-room-administration', async () => {
		for (const [name, ...args] of [
			['rooms.adminRooms'],
			['rooms.adminRooms.getRoom', 'p'],
			['rooms.adminRooms.members', 'p'],
		])
			expect(await rejection(roomkey.call(alice, name as string, ...args))).to.include({ error: 'error-unauthorized' });
	});
});
