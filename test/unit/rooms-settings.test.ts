/** The settings of a room (test/contract/rocketchat-e2e.md 5.7, 11; test/contract/beyond.md E3, E13, E14, T1). */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import { recordEvents } from '../support/announced.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { during } from '../support/settings.js';

const identity = { e2e: { public_key: 'public', private_key: 'private' } };
const OWNER = { roles: ['owner'] };

describe('changing the settings of a room', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	before(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, { username: 'alice', ...identity });
		bob = await addPerson(roomkey.store, { username: 'bob', ...identity });
	});
	after(() => roomkey.close());

	async function room(fields: Partial<Room> = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, [bob], fields);
		await addMember(roomkey.store, rid, alice, OWNER);
		return rid;
	}

	const roomOf = async (rid: string) => (await roomkey.store.rooms.findOne({ _id: rid })) as Room;
	const encrypt = (as: Person, rid: string, encrypted: boolean) =>
		roomkey.call(as, 'rooms.saveRoomSettings', rid, encrypted);

	it('switches encryption on and off, and keeps key id and keys (5.7)', async () => {
		const rid = await room({ e2eKeyId: 'k' });
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { E2EKey: 'k-alice' } });
		expect(await encrypt(alice, rid, true)).to.deep.equal({ rid });
		expect(await roomOf(rid)).to.include({ encrypted: true, e2eKeyId: 'k' });
		await encrypt(alice, rid, false);
		expect(await roomOf(rid)).to.include({ encrypted: false, e2eKeyId: 'k' });
		const membership = await roomkey.store.subscriptions.findOne({ rid, 'u._id': alice.id });
		expect(membership?.E2EKey).to.equal('k-alice');
	});

	it('ends the translation of messages when encryption is switched on (5.7)', async () => {
		const rid = await room();
		const { subscriptions } = roomkey.store;
		await subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { autoTranslate: true } });
		const membership = await subscriptions.findOne({ rid, 'u._id': alice.id });
		await addMember(roomkey.store, rid, await addPerson(roomkey.store));
		expect((await recordEvents(roomkey.bus, () => encrypt(alice, rid, false))).of('subscriptions')).to.deep.equal([]);
		const received = await recordEvents(roomkey.bus, () => encrypt(alice, rid, true));
		expect(received.of('subscriptions')).to.deep.equal([`updated ${membership?._id}`]);
		expect(await subscriptions.countDocuments({ rid, autoTranslate: { $exists: true } })).to.equal(0);
	});

	it('records in the room who switched encryption, and when (E14)', async () => {
		const rid = await room();
		const received = await recordEvents(roomkey.bus, () => encrypt(alice, rid, true));
		const notified = received.changes[0]?.document as Room;
		expect(notified.e2eToggled?.at).to.be.a('date');
		expect(notified.e2eToggled).to.deep.include({ encrypted: true, by: { _id: alice.id, username: 'alice' } });
		expect((await roomOf(rid)).e2eToggled).to.deep.equal(notified.e2eToggled);
	});

	it('queues members with identity keys but without the room key when encryption is switched on', async () => {
		const rid = await room();
		const [noIdentity, invited] = [await addPerson(roomkey.store), await addPerson(roomkey.store, identity)];
		await addMember(roomkey.store, rid, noIdentity);
		await addMember(roomkey.store, rid, invited, { status: 'INVITED' });
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { E2EKey: `k-${rid}` } });
		await encrypt(alice, rid, true);
		expect((await roomOf(rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.deep.equal([bob.id]);
	});

	it('queues at most 50 members, by one write, when encryption is switched on', async () => {
		const rid = await room();
		for (let i = 0; i < 60; i++) await addMember(roomkey.store, rid, await addPerson(roomkey.store, identity));
		const received = await recordEvents(roomkey.bus, () => encrypt(alice, rid, true));
		expect((await roomOf(rid)).usersWaitingForE2EKeys).to.have.length(50);
		expect(received.of('rooms')).to.have.length(2);
	});

	it('keeps the places of waiting members when encryption is switched on', async () => {
		const since = new Date(1000);
		const rid = await room({ usersWaitingForE2EKeys: [{ userId: bob.id, ts: since }] });
		await encrypt(alice, rid, true);
		const waiting = (await roomOf(rid)).usersWaitingForE2EKeys;
		expect(waiting?.map(({ userId }) => userId)).to.deep.equal([bob.id, alice.id]);
		expect(waiting?.[0]?.ts).to.deep.equal(since);
	});

	it('writes no unchanged settings, and notifies nobody of them (T1)', async () => {
		const rid = await room({ encrypted: true, topic: 'same', ro: true });
		const before = await roomOf(rid);
		const received = await recordEvents(roomkey.bus, async () => {
			await roomkey.call(alice, 'saveRoomSettings', rid, {
				encrypted: true,
				roomTopic: 'same',
				roomDescription: '',
				readOnly: true,
			});
			await encrypt(alice, await room(), false);
		});
		expect(received.changes).to.deep.equal([]);
		expect(await roomOf(rid)).to.deep.equal(before);
	});

	it('records only one of 20 concurrent calls that switch encryption on', async () => {
		const rid = await room();
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: OWNER });
		const received = await recordEvents(roomkey.bus, () =>
			Promise.all(Array.from({ length: 20 }, (_, i) => encrypt(i % 2 ? alice : bob, rid, true))),
		);
		const toggles = received.changes.map(({ document }) => String((document as Room).e2eToggled?.at.getTime()));
		expect(new Set(toggles).size).to.equal(1);
	});

	it('lets owners, and both members of a direct room, switch encryption (E3)', async () => {
		const rid = await room();
		expect(await rejection(encrypt(bob, rid, true))).to.deep.include({
			error: 'error-action-not-allowed',
			reason: 'You do not have permission to toggle E2E encryption',
			details: { method: 'rooms.saveRoomSettings', action: 'Change_Room_Encrypted' },
		});
		const direct = await addRoom(roomkey.store, [alice, bob], { t: 'd' });
		for (const [person, encrypted] of [
			[alice, true],
			[bob, false],
		] as const) {
			await encrypt(person, direct, encrypted);
			expect((await roomOf(direct)).encrypted).to.equal(encrypted);
		}
		expect(await rejection(encrypt(await addPerson(roomkey.store, { roles: ['admin'] }), rid, true))).to.include({
			error: 'error-invalid-room',
		});
	});

	it('refuses to switch encryption on in a channel', async () => {
		const rid = await room({ t: 'c' });
		expect(await rejection(encrypt(alice, rid, true))).to.deep.include({
			error: 'error-action-not-allowed',
			reason: 'Only groups or direct channels can enable encryption',
		});
	});

	it('refuses to switch encryption on while E2E_Enable is off', async () => {
		const rid = await room();
		await during(roomkey.store, 'E2E_Enable', false, async () => {
			expect(await rejection(encrypt(alice, rid, true))).to.include({ error: 'error-action-not-allowed' });
		});
	});

	it('keeps groups, but not direct rooms, encrypted with E2E_Force_Encryption_For_Private_Rooms', async () => {
		const rid = await room({ encrypted: true });
		const direct = await addRoom(roomkey.store, [alice, bob], { t: 'd', encrypted: true });
		await during(roomkey.store, 'E2E_Force_Encryption_For_Private_Rooms', true, async () => {
			expect(await rejection(encrypt(alice, rid, false))).to.include({
				error: 'error-encrypted-private-rooms-enforced',
			});
			await encrypt(alice, direct, false);
		});
		expect((await roomOf(rid)).encrypted).to.equal(true);
		expect((await roomOf(direct)).encrypted).to.equal(false);
	});

	it('sets topic, description, announcement and read-only, for a user who may edit the room', async () => {
		const rid = await room();
		await roomkey.call(
			alice,
			'rooms.saveRoomSettings',
			rid,
			undefined,
			undefined,
			'topic',
			'description',
			'news',
			true,
		);
		expect(await roomOf(rid)).to.deep.include({
			topic: 'topic',
			description: 'description',
			announcement: 'news',
			ro: true,
		});
		expect(await rejection(roomkey.call(bob, 'rooms.saveRoomSettings', rid, undefined, undefined, 'mine'))).to.include({
			error: 'error-action-not-allowed',
		});
	});

	const rename = (as: Person, rid: string, name: string) =>
		roomkey.call(as, 'rooms.saveRoomSettings', rid, undefined, name);

	it('renames a room and its memberships, and completes an interrupted rename', async () => {
		const rid = await room({ name: `old-${Math.random()}` });
		const name = `new-${Math.random()}`;
		const names = async () =>
			(await roomkey.store.subscriptions.find({ rid }).toArray()).map((membership) => membership.name);
		await rename(alice, rid, name);
		expect(await roomOf(rid)).to.include({ name, fname: name });
		expect(await names()).to.deep.equal([name, name]);
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { name: 'former' } });
		expect((await recordEvents(roomkey.bus, () => rename(alice, rid, name))).changes).to.have.length(1);
		expect(await names()).to.deep.equal([name, name]);
		expect((await recordEvents(roomkey.bus, () => rename(alice, rid, name))).changes).to.deep.equal([]);
	});

	it('refuses a taken or invalid name, and a name for a direct room', async () => {
		const name = `taken-${Math.random()}`;
		await room({ name });
		const rid = await room({ name: 'other' });
		expect(await rejection(rename(alice, rid, name))).to.include({ error: 'error-duplicate-channel-name' });
		expect(await rejection(rename(alice, rid, 'a b'))).to.include({ error: 'error-invalid-room-name' });
		expect(await rejection(rename(bob, rid, 'mine'))).to.include({ error: 'error-action-not-allowed' });
		const direct = await addRoom(roomkey.store, [], { t: 'd' });
		await addMember(roomkey.store, direct, alice, OWNER);
		expect(await rejection(rename(alice, direct, 'named'))).to.include({ error: 'error-action-not-allowed' });
	});

	it('refuses all settings if one of them is not allowed', async () => {
		const rid = await addRoom(roomkey.store, [alice, bob], { t: 'd' });
		expect(
			await rejection(roomkey.call(alice, 'saveRoomSettings', rid, { encrypted: true, roomTopic: 't' })),
		).to.include({ error: 'error-action-not-allowed' });
		expect(await roomOf(rid)).to.not.have.any.keys('encrypted', 'topic');
	});

	it('takes an object, or the name and value of one setting', async () => {
		const rid = await room();
		expect(await roomkey.call(alice, 'saveRoomSettings', rid, { encrypted: true })).to.deep.equal({ rid });
		await roomkey.call(alice, 'saveRoomSettings', rid, 'roomTopic', 'by name');
		expect(await roomOf(rid)).to.include({ encrypted: true, topic: 'by name' });
		for (const [settings, value] of [[{ joinCode: 'x' }], [{ encrypted: 'yes' }], ['roomTopic', 5], ['_id', 'x']]) {
			expect(await rejection(roomkey.call(alice, 'saveRoomSettings', rid, settings, value))).to.include({
				error: 'error-invalid-settings',
			});
		}
	});

	describe('a room while E2E_Enable is off (E13)', () => {
		/** Clients never see the last two of these. */
		const HIDDEN_FIELDS = [
			'encrypted',
			'e2eKeyId',
			'usersWaitingForE2EKeys',
			'e2eToggled',
			'e2eStale',
			'e2eReset',
			'joinCode',
		];
		const stored = () => ({
			encrypted: true,
			e2eKeyId: 'k',
			usersWaitingForE2EKeys: [{ userId: bob.id, ts: new Date() }],
			e2eToggled: { encrypted: true, by: { _id: alice.id }, at: new Date() },
			e2eStale: { since: new Date(), reason: 'member-left' },
			e2eReset: { id: 'i', userId: alice.id, keyId: 'k2', until: new Date() },
			joinCode: 'secret',
		});

		const reads: [name: string, read: (rid: string) => Promise<Room | undefined>][] = [
			['rooms.info', async (rid) => ((await roomkey.call(alice, 'rooms.info', rid)) as { room: Room }).room],
			['groups.info', async (rid) => ((await roomkey.call(alice, 'groups.info', rid)) as { group: Room }).group],
			[
				'rooms.get',
				async (rid) =>
					((await roomkey.call(alice, 'rooms.get')) as { update: Room[] }).update.find(({ _id }) => _id === rid),
			],
			['rooms/get', async (rid) => ((await roomkey.call(alice, 'rooms/get')) as Room[]).find(({ _id }) => _id === rid)],
			[
				'groups.invite',
				async (rid) => ((await roomkey.call(alice, 'groups.invite', rid, undefined, bob.id)) as { group: Room }).group,
			],
		];
		for (const [name, read] of reads) {
			it(`shows no fields of encryption until the setting is on again (${name})`, async () => {
				const rid = await room(stored());
				await during(roomkey.store, 'E2E_Enable', false, async () => {
					const shown = await read(rid);
					expect(shown?._id).to.equal(rid);
					expect(shown).to.not.have.any.keys(...HIDDEN_FIELDS);
				});
				const shown = await read(rid);
				expect(shown).to.include({ encrypted: true, e2eKeyId: 'k' });
				expect(shown).to.include.keys('usersWaitingForE2EKeys', 'e2eToggled', 'e2eStale');
				expect(shown).to.not.have.any.keys('e2eReset', 'joinCode');
			});
		}
	});
});
