/**
 * Two concurrent calls: the second runs completely before one operation of the first, for each operation in turn.
 * No call may fail with a server error, and the stored state must be consistent.
 */
import assert from 'node:assert/strict';
import type { Collection, Store } from '../../shared/store.js';
import { identity, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

/**
 * Concurrent calls share reads of these collections. The second call could wait for ever for a read of the first, which
 * waits for the second call.
 */
const CACHED = new Set<string | symbol>(['settings', 'permissions']);

/** Calls a function once, before a chosen operation of the store. Operations on `CACHED` collections do not count. */
function interpose(real: Store) {
	let left = Number.POSITIVE_INFINITY;
	let run = async () => {};
	const beforeOperation = async () => {
		if (left-- !== 0) return;
		await run();
	};
	const wrap = (collection: Collection<never>) =>
		new Proxy(collection, {
			get(target, operation) {
				const original = Reflect.get(target, operation);
				if (typeof original !== 'function') return original;
				if (operation !== 'find') {
					return async (...args: unknown[]) => {
						await beforeOperation();
						return Reflect.apply(original, target, args);
					};
				}
				return (...args: unknown[]) => {
					const cursor = () => Reflect.apply(original, target, args) as ReturnType<Collection<never>['find']>;
					return {
						async toArray() {
							await beforeOperation();
							return cursor().toArray();
						},
						async *[Symbol.asyncIterator]() {
							await beforeOperation();
							yield* cursor();
						},
					};
				};
			},
		});
	const store = new Proxy(real, {
		get(target, name) {
			const collection = Reflect.get(target, name) as Collection<never>;
			return CACHED.has(name) ? collection : wrap(collection);
		},
	});
	return {
		store,
		/** Calls `then` before the operation that comes after `n` others. */
		at(n: number, then: () => Promise<void>) {
			left = n;
			run = then;
		},
		get wasCalled() {
			return left < 0;
		},
	};
}

interface World {
	readonly rid: string;
	readonly alice: Person;
	readonly bob: Person;
	readonly carol: Person;
	readonly admin: Person;
	/** A new key of the room, sealed. */
	key(): string;
}

type Call = readonly [as: Person, name: string, ...params: unknown[]];

/** Only every seventh operation is tried on MongoDB, where making a world takes much longer. */
const STRIDE = process.env.ROOMKEY_TEST_MONGO_URL ? 7 : 1;

/** Makes public keys and key ids unique. */
let lastNumber = 0;

const CALLS: Readonly<Record<string, (world: World) => Call>> = {
	'bob accepts': ({ bob, rid }) => [bob, 'e2e.acceptSuggestedGroupKey', rid],
	'bob rejects': ({ bob, rid }) => [bob, 'e2e.rejectSuggestedGroupKey', rid],
	'bob returns his key': ({ bob, rid }) => [bob, 'e2e.returnRoomKey', rid],
	'bob stores his key': ({ bob, rid, key }) => [bob, 'e2e.updateGroupKey', rid, bob.id, key()],
	'bob makes new identity keys': ({ bob }) => [
		bob,
		'e2e.setUserPublicAndPrivateKeys',
		{ public_key: `new ${++lastNumber}`, private_key: 'p', force: true },
	],
	'bob resets his identity': ({ bob }) => [bob, 'e2e.resetOwnE2EKey'],
	'bob leaves': ({ bob, rid }) => [bob, 'groups.leave', rid],
	'alice offers bob a key': ({ alice, bob, rid, key }) => [alice, 'e2e.updateGroupKey', rid, bob.id, key()],
	'alice offers bob and carol keys': ({ alice, bob, carol, rid, key }) => [
		alice,
		'e2e.provideUsersSuggestedGroupKeys',
		{
			[rid]: [
				{ _id: bob.id, key: key() },
				{ _id: carol.id, key: key() },
			],
		},
	],
	'alice resets the key of the room': ({ alice, rid }) => {
		const id = `reset-${++lastNumber}`;
		return [alice, 'e2e.resetRoomKey', rid, sealed(id), id];
	},
	'alice removes bob': ({ alice, bob, rid }) => [alice, 'groups.kick', rid, '', bob.id],
	'alice removes carol': ({ alice, carol, rid }) => [alice, 'groups.kick', rid, '', carol.id],
	'carol leaves': ({ carol, rid }) => [carol, 'groups.leave', rid],
	'carol makes new identity keys': ({ carol }) => [
		carol,
		'e2e.setUserPublicAndPrivateKeys',
		{ public_key: `new ${++lastNumber}`, private_key: 'p', force: true },
	],
	'alice makes a direct room with carol': ({ alice }) => [alice, 'im.create', 'carol'],
	'alice adds carol': ({ alice, carol, rid }) => [alice, 'groups.invite', rid, '', carol.id],
	'alice switches encryption off': ({ alice, rid }) => [alice, 'rooms.saveRoomSettings', rid, false],
	'bob asks for keys': ({ bob }) => [bob, 'e2e.requestSubscriptionKeys'],
	'alice asks who waits': ({ alice, rid }) => [alice, 'e2e.fetchUsersWaitingForGroupKey', [rid]],
	'the admin deletes bob': ({ admin, bob }) => [admin, 'users.delete', bob.id],
	'the admin deletes carol': ({ admin, carol }) => [admin, 'users.delete', carol.id],
	'the admin deletes the room': ({ admin, rid }) => [admin, 'groups.delete', rid],
};

describe('two concurrent calls', () => {
	let roomkey: TestRoomkey;
	let interposer: ReturnType<typeof interpose>;

	before(async () => {
		roomkey = await openRoomkey(undefined, {}, (store) => {
			interposer = interpose(store);
			return interposer.store;
		});
	});
	after(() => roomkey.close());

	async function makeWorld(): Promise<World> {
		const { store } = roomkey;
		for (const { deleteMany } of [store.users, store.rooms, store.subscriptions, store.trash]) await deleteMany({});
		const rid = await addRoom(store, [], { encrypted: true, e2eKeyId: 'k', name: 'room', usersCount: 2 });
		const person = (name: string, fields: object = {}) =>
			addPerson(store, { username: name, ...identity(name), ...fields });
		const alice = await person('alice', { __rooms: [rid] });
		const bob = await person('bob', { __rooms: [rid] });
		const carol = await person('carol');
		const admin = await person('admin', { roles: ['admin'] });
		await addMember(store, rid, alice, { t: 'p', roles: ['owner'], E2EKey: sealed('k') });
		await addMember(store, rid, bob, { t: 'p', E2ESuggestedKey: sealed('k') });
		await store.rooms.updateOne(
			{ _id: rid },
			{ $set: { usersWaitingForE2EKeys: [{ userId: bob.id, ts: new Date() }] } },
		);
		return { rid, alice, bob, carol, admin, key: () => sealed('k') };
	}

	/** Returns 'done', or the code of an error for clients. Throws any other error. */
	async function outcomeOf([as, name, ...params]: Call): Promise<unknown> {
		try {
			await roomkey.callAs({ userId: as.id, setUserId: () => {} }, name, ...params);
			return 'done';
		} catch (thrown) {
			const { error } = thrown as { error?: unknown };
			const cause = roomkey.log.lines.findLast(({ level }) => level === 'error')?.facts as { err?: Error } | undefined;
			if (error === 500 || error === undefined) throw cause?.err ?? thrown;
			return error;
		}
	}

	/** @param happened describes both calls, for the error */
	async function requireConsistency(world: World, happened: string): Promise<void> {
		const { store } = roomkey;
		const { rid } = world;
		const room = await store.rooms.findOne({ _id: rid });
		const all = await store.subscriptions.find({}).toArray();
		const memberships = all.filter((membership) => membership.rid === rid);
		const users = new Map((await store.users.find({}).toArray()).map((user) => [user._id, user]));
		const queue = room?.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? [];
		for (const user of users.values()) {
			assert.ok(
				!('e2eRekeying' in user || 'e2eQueueing' in user),
				`${happened}: work for the keys of ${user.username} is unfinished`,
			);
			const own = all.filter(({ u }) => u._id === user._id).map(({ rid }) => rid);
			assert.deepEqual(user.__rooms?.toSorted() ?? [], own.sort(), `${happened}: rooms of ${user.username}`);
		}
		assert.deepEqual(
			all.filter(({ u }) => !users.has(u._id)),
			[],
			happened,
		);
		if (!room) {
			assert.deepEqual(memberships, [], happened);
			return;
		}
		assert.ok(!('e2eReset' in room), happened);
		assert.equal(room.usersCount, memberships.length, `${happened}: members`);
		for (const { u, E2EKey, E2ESuggestedKey } of memberships) {
			for (const key of [E2EKey, E2ESuggestedKey]) {
				// A sealed key is the key id, followed by 344 characters.
				if (key) assert.equal(key.slice(0, -344), room.e2eKeyId, `${happened}: key of a room`);
			}
			const who = `${happened}: ${users.get(u._id)?.username} in the queue`;
			const lacks = !E2EKey && users.get(u._id)?.e2e !== undefined;
			if (!lacks) assert.ok(!queue.includes(u._id), who);
			else if (!E2ESuggestedKey && room.encrypted) assert.ok(queue.includes(u._id), who);
		}
		const members = memberships.map(({ u }) => u._id);
		assert.deepEqual(
			queue.filter((id) => !members.includes(id)),
			[],
			`${happened}: no member, but in the queue`,
		);
	}

	for (const [first, makeFirst] of Object.entries(CALLS)) {
		it(`leave a consistent state if the first is: ${first}`, async () => {
			for (const [second, makeSecond] of Object.entries(CALLS)) {
				for (let n = 0; ; n += STRIDE) {
					const world = await makeWorld();
					const other = makeSecond(world);
					let otherOutcome: unknown;
					interposer.at(n, async () => {
						otherOutcome = await outcomeOf(other);
					});
					const outcome = await outcomeOf(makeFirst(world));
					if (!interposer.wasCalled) break;
					await requireConsistency(world, `${first} (${outcome}), before operation ${n} ${second} (${otherOutcome})`);
				}
				interposer.at(Number.POSITIVE_INFINITY, async () => {});
			}
		});
	}
});
