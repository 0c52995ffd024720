/**
 * Malformed documents that other programs may write to the database. A conditional write that does not match such a
 * document is repeated 10,000 times, and then fails.
 */
import { expect } from 'chai';
import type { Room, Subscription, User } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';
import { recordEvents } from '../support/announced.js';
import { sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

/** Per test. More operations of the store are a sign of a write that never matches. */
const MAX_OPERATIONS = 500;

function limited(store: Store): Store {
	let operations = 0;
	const wrap = (collection: object) =>
		new Proxy(collection, {
			get(target, name) {
				const operation = Reflect.get(target, name);
				if (typeof operation !== 'function') return operation;
				return (...args: unknown[]) => {
					if (++operations > MAX_OPERATIONS) throw new Error('the call never ends');
					return Reflect.apply(operation, target, args);
				};
			},
		});
	return new Proxy(store, { get: (target, name) => wrap(Reflect.get(target, name)) });
}

describe('malformed documents:', () => {
	let roomkey: TestRoomkey;
	let owner: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey(undefined, {}, limited);
		owner = await addPerson(roomkey.store, { e2e: { public_key: 'public', private_key: 'private' } });
	});
	afterEach(() => roomkey.close());

	/** Lets the compiler accept malformed fields. */
	const malformed = <T>(fields: object) => fields as Partial<T>;

	/** Stores an encrypted room with `owner` and a second owner. */
	async function roomWith(roomFields: object, membershipFields: object = {}): Promise<string> {
		const { store } = roomkey;
		const rid = await addRoom(store, [], {
			encrypted: true,
			e2eKeyId: 'k',
			usersCount: 2,
			...malformed<Room>(roomFields),
		});
		await addMember(store, rid, owner, { roles: ['owner'], ...malformed<Subscription>(membershipFields) });
		await addMember(store, rid, await addPerson(store), { roles: ['owner'] });
		return rid;
	}

	const membershipIn = (rid: string) => roomkey.store.subscriptions.findOne({ rid, 'u._id': owner.id });

	describe('a user with a malformed or empty key history', () => {
		for (const e2eKeyHistory of [null, '', 0, false, {}, { 0: 1 }, []]) {
			const what = `with the history ${JSON.stringify(e2eKeyHistory)}`;

			it(`can store identity keys, ${what}`, async () => {
				const person = await addPerson(roomkey.store, malformed<User>({ e2eKeyHistory }));
				const keys = { public_key: 'p', private_key: 'q' };
				await roomkey.call(person, 'e2e.setUserPublicAndPrivateKeys', keys);
				const user = await roomkey.store.users.findOne({ _id: person.id });
				expect(user?.e2e).to.deep.equal(keys);
				expect(user?.e2eKeyHistory?.map(({ public_key }) => public_key)).to.deep.equal(['p']);
			});

			it(`sees the present key in the history, and can reset the keys, ${what}`, async () => {
				const fields = { e2eKeyHistory, e2e: { public_key: 'p', private_key: 'q' } };
				const person = await addPerson(roomkey.store, malformed<User>(fields));
				expect(await roomkey.call(person, 'e2e.keyHistory', person.id)).to.include({ total: 1 });
				await roomkey.store.users.updateOne({ _id: person.id }, { $set: malformed<User>({ e2eKeyHistory }) });
				await roomkey.call(person, 'e2e.resetOwnE2EKey');
				const user = await roomkey.store.users.findOne({ _id: person.id });
				expect(user).to.not.have.property('e2e');
				expect(user?.e2eKeyHistory).to.have.length(1);
			});
		}
	});

	describe('a membership with a malformed key', () => {
		for (const malformedKey of [[], { a: 1 }, 5]) {
			const what = JSON.stringify(malformedKey);

			it(`can store a key, and can be removed: ${what}`, async () => {
				const rid = await roomWith({}, { E2EKey: malformedKey, E2ESuggestedKey: malformedKey, oldRoomKeys: { 0: 1 } });
				const key = sealed('k');
				await roomkey.call(owner, 'e2e.updateGroupKey', rid, owner.id, key);
				expect((await membershipIn(rid))?.E2EKey).to.equal(key);
				const other = await roomWith({}, { E2EKey: malformedKey, E2ESuggestedKey: malformedKey });
				await roomkey.call(owner, 'groups.leave', other);
				expect(await membershipIn(other)).to.equal(null);
			});

			it(`does not prevent requests for the keys of other rooms: ${what}`, async () => {
				await roomWith({}, { E2EKey: malformedKey });
				const other = await roomWith({});
				const received = await recordEvents(roomkey.bus, async () => {
					expect(await roomkey.call(owner, 'e2e.requestSubscriptionKeys')).to.equal(true);
				});
				expect(received.named(`notify-room ${other}/e2e.keyRequest`)).to.have.length(1);
			});
		}
	});

	it('a room with a malformed queue does not prevent reading its queue and others', async () => {
		const rid = await roomWith({ usersWaitingForE2EKeys: [null] });
		const other = await roomWith({});
		expect(await roomkey.call(owner, 'e2e.fetchUsersWaitingForGroupKey', [rid, other])).to.have.keys(
			'usersWaitingForE2EKeys',
		);
	});

	describe('a room with malformed fields', () => {
		for (const encrypted of ['true', 1, 'no']) {
			it(`refuses to reset its key if \`encrypted\` is ${JSON.stringify(encrypted)}, which counts as not encrypted`, async () => {
				const rid = await roomWith({ encrypted });
				const refused = await rejection(roomkey.call(owner, 'e2e.resetRoomKey', rid, 'key', 'k2'));
				expect(refused).to.include({ error: 'error-e2e-key-reset-failed' });
			});
		}

		for (const e2eReset of [
			null,
			'',
			0,
			false,
			5,
			'text',
			{},
			[],
			{ id: 5, until: new Date(Date.now() + 60_000) },
			{ id: ['x'], until: [new Date()] },
			{ id: 'x', until: 'later', keyId: 'k2' },
		]) {
			it(`can have its key reset if \`e2eReset\` is ${JSON.stringify(e2eReset)}`, async () => {
				const rid = await roomWith({ e2eReset });
				await roomkey.call(owner, 'e2e.resetRoomKey', rid, 'key', 'k2');
				const room = await roomkey.store.rooms.findOne({ _id: rid });
				expect(room).to.include({ e2eKeyId: 'k2' }).and.not.have.property('e2eReset');
			});
		}

		it('does not resume a reset of the same caller whose lock is malformed', async () => {
			const rid = await roomWith({ e2eReset: { userId: owner.id, keyId: 'k2', until: 5 }, e2eKeyId: 'k2' });
			const refused = await rejection(roomkey.call(owner, 'e2e.resetRoomKey', rid, 'key', 'k2'));
			expect(refused).to.include({ error: 'error-room-e2e-key-already-exists' });
		});

		for (const usersWaitingForE2EKeys of [null, '', 'text', 5, {}, [null, 5, { userId: 5 }]]) {
			const what = JSON.stringify(usersWaitingForE2EKeys);

			it(`can have its key reset, and queues a member afterwards, with the queue ${what}`, async () => {
				const identity = { e2e: { public_key: 'p', private_key: 'q' } };
				const member = await addPerson(roomkey.store, identity);
				const rid = await roomWith({ usersWaitingForE2EKeys });
				await addMember(roomkey.store, rid, member, { t: 'p' });
				await roomkey.call(owner, 'e2e.resetRoomKey', rid, 'key', 'k2');
				const room = await roomkey.store.rooms.findOne({ _id: rid });
				expect(room?.usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.deep.equal([member.id]);
			});

			it(`queues a member who stores identity keys, with the queue ${what}`, async () => {
				const member = await addPerson(roomkey.store);
				const rid = await roomWith({ usersWaitingForE2EKeys });
				await addMember(roomkey.store, rid, member, { t: 'p' });
				await roomkey.call(member, 'e2e.setUserPublicAndPrivateKeys', { public_key: 'p', private_key: 'q' });
				const room = await roomkey.store.rooms.findOne({ _id: rid });
				expect(room?.usersWaitingForE2EKeys?.at(-1)).to.include({ userId: member.id });
			});
		}

		for (const e2eReset of [null, 5, 'text', {}, { id: 'x', until: 'later', keyId: 'k2' }]) {
			it(`accepts its first key id, and a key, if \`e2eReset\` is ${JSON.stringify(e2eReset)}`, async () => {
				const rid = await roomWith({ e2eReset, e2eKeyId: null });
				await roomkey.call(owner, 'e2e.setRoomKeyID', rid, 'k2');
				expect(await roomkey.store.rooms.findOne({ _id: rid })).to.include({ e2eKeyId: 'k2' });
				const key = sealed('k2');
				await roomkey.call(owner, 'e2e.updateGroupKey', rid, owner.id, key);
				expect((await membershipIn(rid))?.E2EKey).to.equal(key);
			});
		}
	});

	for (const fields of [
		{ E2EKey: null },
		{ E2EKey: '' },
		{ E2EKey: 5 },
		{ E2EKey: 'k1', oldRoomKeys: null },
		{ E2EKey: 'k1', oldRoomKeys: [] },
		{ E2EKey: 'k1', oldRoomKeys: {} },
		{ E2EKey: 'k1', oldRoomKeys: '' },
		{ E2EKey: 'k1', oldRoomKeys: 0 },
		{ E2EKey: 'k1', oldRoomKeys: false },
		{ E2EKey: 'k1', oldRoomKeys: [null, 'x'] },
		{ E2EKey: null, E2ESuggestedKey: null, suggestedOldRoomKeys: null },
		{ E2EKey: 5, E2ESuggestedKey: 5, suggestedOldRoomKeys: 5 },
	]) {
		describe(`a membership with ${JSON.stringify(fields)}`, () => {
			const key = sealed('k');

			it('can store a key, and keeps the former one if it was valid', async () => {
				const rid = await roomWith({}, fields);
				await roomkey.call(owner, 'e2e.updateGroupKey', rid, owner.id, key);
				const membership = await membershipIn(rid);
				expect(membership?.E2EKey).to.equal(key);
				expect((membership?.oldRoomKeys ?? []).map(({ E2EKey }) => E2EKey)).to.deep.equal(
					fields.E2EKey === 'k1' ? ['k1'] : [],
				);
			});

			it('accepts an offered key', async () => {
				const rid = await roomWith({}, { ...fields, E2ESuggestedKey: key });
				await roomkey.call(owner, 'e2e.acceptSuggestedGroupKey', rid);
				expect((await membershipIn(rid))?.E2EKey).to.equal(key);
			});

			it('does not prevent a new identity key, a key reset, or leaving the room', async () => {
				const rid = await roomWith({}, fields);
				const pair = { public_key: 'other', private_key: 'q', force: true };
				await roomkey.call(owner, 'e2e.roomState', rid);
				await roomkey.call(owner, 'e2e.setUserPublicAndPrivateKeys', pair);
				await roomkey.call(owner, 'e2e.resetRoomKey', rid, sealed('k2'), 'k2');
				const other = await roomWith({}, fields);
				await roomkey.call(owner, 'e2e.roomState', other);
				await roomkey.call(owner, 'groups.leave', other);
				expect(await membershipIn(other)).to.equal(null);
			});

			it('is listed as waiting for a key if it has no valid one', async () => {
				const rid = await roomWith({}, fields);
				const other = await addPerson(roomkey.store);
				await addMember(roomkey.store, rid, other);
				const { users } = (await roomkey.call(other, 'e2e.getUsersOfRoomWithoutKey', rid)) as { users: unknown[] };
				expect(users).to.have.length(fields.E2EKey === 'k1' ? 0 : 1);
			});
		});
	}
});

describe('a unique index that Roomkey did not make', () => {
	it('does not cause endless attempts to insert a document', async () => {
		const duplicate = Object.assign(new Error('E11000'), { code: 11000 });
		let inserts = 0;
		const strict = await openRoomkey(undefined, {}, (store) => ({
			...store,
			subscriptions: {
				...store.subscriptions,
				insertOne: async () => {
					if (++inserts > MAX_OPERATIONS) throw new Error('the call never ends');
					throw duplicate;
				},
			},
		}));
		const person = await addPerson(strict.store);
		expect(await rejection(strict.call(person, 'groups.create', 'room'))).to.include({ error: 500 });
		expect(strict.log.lines.at(-1)?.facts).to.include({ err: duplicate });
		await strict.close();
	});
});
