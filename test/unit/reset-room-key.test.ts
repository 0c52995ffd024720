/** `e2e.resetRoomKey` (test/contract/rocketchat-e2e.md 5.6, 6.1, 10.4; test/contract/beyond.md E2, E3, E6, E9, E12, T1). */
import { expect } from 'chai';
import { methods } from '../../methods/index.js';
import { MAX_WAITING } from '../../methods/model/keys/queue.js';
import { createBus } from '../../server/cluster/bus.js';
import { createInvoker } from '../../server/core/invoke.js';
import { openMemory } from '../../server/store/memory.js';
import type { Room, Subscription } from '../../shared/documents.js';
import { type Change, isChangeOf, type Store } from '../../shared/store.js';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { hookedStore } from '../support/hooks.js';
import { sealed } from '../support/keys.js';
import { memoryLog } from '../support/log.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, settings, type TestRoomkey } from '../support/roomkey.js';

const NAME = 'e2e.resetRoomKey';
const OLD = 'old-key-id';
const NEW = 'new-key-id';
const IDENTITY = { e2e: { public_key: 'public', private_key: 'private' } };

const membership = (store: Store, rid: string, { id }: Pick<Person, 'id'>) =>
	store.subscriptions.findOne({ rid, 'u._id': id }) as Promise<Subscription>;

const roomOf = (store: Store, rid: string) => store.rooms.findOne({ _id: rid }) as Promise<Room>;

/** Adds a room whose members all hold a key. The first member is the owner. */
async function addKeyedRoom(store: Store, members: readonly Person[], fields: Partial<Room> = {}) {
	const rid = await addRoom(store, [], { encrypted: true, e2eKeyId: OLD, ...fields });
	const keys = new Map<Person, string>();
	for (const [i, member] of members.entries()) {
		const E2EKey = sealed(OLD);
		keys.set(member, E2EKey);
		await addMember(store, rid, member, { t: 'p', E2EKey, ...(i === 0 && { roles: ['owner'] }) });
	}
	return { rid, keys };
}

/** Returns a function that calls the method as another process on the same store. */
function processOn(store: Store) {
	const log = memoryLog();
	const services = { store, bus: createBus(log), settings, log };
	const invoker = createInvoker(methods, services);
	return (as: Person, ...params: unknown[]) =>
		invoker.invoke(NAME, params, { userId: as.id, hashedToken: null, connection: null, clientAddress: null });
}

/** Lets `findOneAndUpdate` of memberships wait until `release`. `reached` resolves when the first one waits. */
function stallingStore(store: Store) {
	let release = () => {};
	let onWrite = () => {};
	const gate = new Promise<void>((resolve) => {
		release = resolve;
	});
	const reached = new Promise<void>((resolve) => {
		onWrite = resolve;
	});
	const findOneAndUpdate: Store['subscriptions']['findOneAndUpdate'] = async (...args) => {
		onWrite();
		await gate;
		return store.subscriptions.findOneAndUpdate(...args);
	};
	return { store: { ...store, subscriptions: { ...store.subscriptions, findOneAndUpdate } }, reached, release };
}

describe('e2e.resetRoomKey', () => {
	let roomkey: TestRoomkey;
	let store: Store;
	let alice: Person;
	let bob: Person;
	let carol: Person;
	let noIdentity: Person;
	let admin: Person;
	let stranger: Person;

	before(async () => {
		roomkey = await openRoomkey();
		store = roomkey.store;
		[alice, bob, carol] = [
			await addPerson(store, IDENTITY),
			await addPerson(store, IDENTITY),
			await addPerson(store, IDENTITY),
		];
		noIdentity = await addPerson(store);
		admin = await addPerson(store, { ...IDENTITY, roles: ['user', 'admin'] });
		stranger = await addPerson(store, IDENTITY);
	});
	after(() => roomkey.close());

	async function announcedDuring(run: () => Promise<unknown>): Promise<Change[]> {
		const announced: Change[] = [];
		const stop = roomkey.bus.on('changed', (change) => void announced.push(change));
		await run();
		stop();
		return announced;
	}

	describe('a successful reset (5.6)', () => {
		it("stores the new key id and the caller's new key", async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			const key = sealed(NEW);
			expect(await roomkey.call(alice, NAME, rid, key, NEW)).to.equal(undefined);
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(NEW);
			expect((await roomOf(store, rid)).e2eReset).to.equal(undefined);
			expect((await membership(store, rid, alice)).E2EKey).to.equal(key);
		});

		it("archives every former key, also the caller's, and updates _updatedAt (5.6.5, 5.6.7)", async () => {
			const { rid, keys } = await addKeyedRoom(store, [alice, bob]);
			await store.subscriptions.updateMany({ rid }, { $set: { _updatedAt: new Date(0) } });
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			for (const person of [alice, bob]) {
				const { oldRoomKeys = [], _updatedAt } = await membership(store, rid, person);
				expect(oldRoomKeys).to.have.length(1);
				expect(oldRoomKeys[0]).to.include({ e2eKeyId: OLD, E2EKey: keys.get(person) });
				expect(oldRoomKeys[0]?.ts).to.be.instanceOf(Date);
				expect(_updatedAt?.getTime()).to.be.greaterThan(0);
			}
			expect(await membership(store, rid, bob)).to.not.have.property('E2EKey');
		});

		it('keeps ten old keys, the newest first', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			for (let i = 0; i < 11; i++) {
				await roomkey.call(alice, NAME, rid, sealed(`k${i}`), `k${i}`);
			}
			const ids = (await membership(store, rid, alice)).oldRoomKeys?.map(({ e2eKeyId }) => e2eKeyId);
			expect(ids).to.deep.equal(['k9', 'k8', 'k7', 'k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0']);
			expect((await membership(store, rid, bob)).oldRoomKeys).to.have.length(1);
		});

		it("removes all offers, also the caller's", async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			await addMember(store, rid, carol, {
				E2ESuggestedKey: sealed(OLD),
				suggestedOldRoomKeys: [{ e2eKeyId: 'o', ts: new Date(), E2EKey: 'x' }],
			});
			await store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { E2ESuggestedKey: 'x' } });
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			for (const person of [alice, carol]) {
				expect(await membership(store, rid, person)).to.not.have.any.keys('E2ESuggestedKey', 'suggestedOldRoomKeys');
			}
			expect(await membership(store, rid, carol)).to.not.have.any.keys('E2EKey', 'oldRoomKeys');
		});

		it('accepts new keys of any form, and archives former keys of any form under the former key id', async () => {
			const { rid } = await addKeyedRoom(store, [alice]);
			await addMember(store, rid, bob, { E2EKey: `plain-${rid}` });
			await roomkey.call(alice, NAME, rid, `new-plain-${rid}`, NEW);
			expect((await membership(store, rid, bob)).oldRoomKeys?.[0]).to.include({
				e2eKeyId: OLD,
				E2EKey: `plain-${rid}`,
			});
			expect((await membership(store, rid, alice)).E2EKey).to.equal(`new-plain-${rid}`);
		});

		it('queues members whose key was archived, if they have identity keys (5.6.6, E9)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob, noIdentity], {
				usersWaitingForE2EKeys: [{ userId: 'gone', ts: new Date() }],
			});
			await addMember(store, rid, stranger, { status: 'INVITED', E2ESuggestedKey: sealed(OLD) });
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			expect((await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.deep.equal([bob.id]);
		});

		it('keeps waiting members in the queue', async () => {
			const { rid } = await addKeyedRoom(store, [alice]);
			await addMember(store, rid, carol);
			await store.rooms.updateOne(
				{ _id: rid },
				{ $set: { usersWaitingForE2EKeys: [{ userId: carol.id, ts: new Date() }] } },
			);
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			expect((await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.deep.equal([carol.id]);
		});

		it('removes the field of an empty queue', async () => {
			const { rid } = await addKeyedRoom(store, [alice], { usersWaitingForE2EKeys: [{ userId: 'x', ts: new Date() }] });
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			expect(await roomOf(store, rid)).to.not.have.property('usersWaitingForE2EKeys');
		});

		it('removes the mark of a stale key (E12)', async () => {
			const { rid } = await addKeyedRoom(store, [alice], { e2eStale: { since: new Date(), reason: 'member-left' } });
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			expect(await roomOf(store, rid)).to.not.have.property('e2eStale');
		});

		it('notifies members whose key was archived, then the caller, then the room (10.4)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob, carol]);
			await addMember(store, rid, noIdentity);
			const announced = await announcedDuring(() => roomkey.call(alice, NAME, rid, sealed(NEW), NEW));
			const notified = announced.map((change) =>
				isChangeOf(change, 'subscriptions') ? change.document.u._id : change.document._id,
			);
			expect(notified.slice(0, 2)).to.have.members([bob.id, carol.id]);
			expect(notified.slice(2)).to.deep.equal([alice.id, rid]);
			expect(announced.at(-1)?.document).to.include({ e2eKeyId: NEW });
			expect(announced.at(-1)?.document).to.not.have.property('e2eReset');
		});
	});

	describe('errors (6.1)', () => {
		const denied = (error: string) => ({ error, reason: undefined, details: undefined });

		async function refused(as: Person, rid: string, key = sealed(NEW), keyId = NEW) {
			const { error, reason, details } = (await rejection(roomkey.call(as, NAME, rid, key, keyId))) as never as Record<
				string,
				unknown
			>;
			return { error, reason, details };
		}

		it('are error-not-allowed without the permission toggle-room-e2e-encryption in the room', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			expect(await refused(bob, rid)).to.deep.equal(denied('error-not-allowed'));
			expect(await refused(stranger, rid)).to.deep.equal(denied('error-not-allowed'));
			expect(await refused(bob, 'nowhere')).to.deep.equal(denied('error-not-allowed'));
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(OLD);
		});

		it('are error-not-allowed without access to the room, and leave no lock', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			expect(await refused(admin, rid)).to.deep.equal(denied('error-not-allowed'));
			expect(await refused(admin, 'nowhere')).to.deep.equal(denied('error-not-allowed'));
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
		});

		it('are error-not-allowed without a membership in a public channel', async () => {
			const { rid } = await addKeyedRoom(store, [alice], { t: 'c' });
			expect(await refused(admin, rid)).to.deep.equal(denied('error-not-allowed'));
		});

		it('are error-e2e-key-reset-in-progress while another reset is in progress', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob], {
				e2eReset: { id: 'x', userId: bob.id, keyId: 'other', until: new Date(Date.now() + 60_000) },
			});
			expect(await refused(alice, rid)).to.deep.equal(denied('error-e2e-key-reset-in-progress'));
			expect((await membership(store, rid, bob)).E2EKey).to.be.a('string');
		});

		it('do not occur after the lock of an interrupted reset has expired', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob], {
				e2eReset: { id: 'x', userId: bob.id, keyId: 'other', until: new Date(Date.now() - 1) },
			});
			await roomkey.call(alice, NAME, rid, sealed(NEW), NEW);
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(NEW);
		});

		it("are error-e2e-key-reset-failed for unencrypted rooms, missing identity keys, and another member's key", async () => {
			const failed = denied('error-e2e-key-reset-failed');
			const { rid: plain } = await addKeyedRoom(store, [alice], { encrypted: false });
			expect(await refused(alice, plain)).to.deep.equal(failed);
			const { rid } = await addKeyedRoom(store, [noIdentity, alice]);
			expect(await refused(noIdentity, rid)).to.deep.equal(failed);
			const { rid: second, keys } = await addKeyedRoom(store, [alice, bob], { e2eKeyId: 'first' });
			await store.subscriptions.updateOne({ rid: second, 'u._id': bob.id }, { $set: { E2EKey: `taken-${second}` } });
			expect(await refused(alice, second, `taken-${second}`)).to.deep.equal(failed);
			expect((await membership(store, second, alice)).E2EKey).to.equal(keys.get(alice));
		});

		it('are error-e2e-key-reset-failed if the store fails, and its message is only logged', async () => {
			const crashing: { store?: CrashingStore } = {};
			const other = await openRoomkey(methods, {}, (real) => {
				crashing.store = crashingStore(real);
				return crashing.store.store;
			});
			const owner = await addPerson(other.store, IDENTITY);
			const { rid } = await addKeyedRoom(other.store, [owner]);
			crashing.store?.crashAfter(2);
			const error = await rejection(other.call(owner, NAME, rid, sealed(NEW), NEW));
			expect(error).to.include({ error: 'error-e2e-key-reset-failed' });
			expect(`${error} ${JSON.stringify(error)}`).to.not.include('crashed');
			expect(other.log.lines.some((line) => JSON.stringify(line).includes('interrupted'))).to.equal(true);
			await other.close();
		});

		for (const [what, key, keyId, error] of [
			['an empty key id', 'k', '', 'error-invalid-key-id'],
			['a key id of 129 characters', 'k', 'k'.repeat(129), 'error-invalid-key-id'],
			['an empty key', '', NEW, 'error-invalid-key'],
			['a key of more than 4 KiB', 'k'.repeat(4097), NEW, 'error-invalid-key'],
			['the key id the room has', 'k', OLD, 'error-room-e2e-key-already-exists'],
			['a key sealed under another key id than the given one', sealed('other'), NEW, 'error-key-id-mismatch'],
		] as const) {
			it(`are ${error} for ${what}, and change nothing`, async () => {
				const { rid, keys } = await addKeyedRoom(store, [alice, bob]);
				const before = await roomOf(store, rid);
				expect(await refused(alice, rid, key, keyId)).to.deep.include({ error, details: { method: NAME } });
				expect(await roomOf(store, rid)).to.deep.equal(before);
				expect((await membership(store, rid, bob)).E2EKey).to.equal(keys.get(bob));
			});
		}
	});

	describe('the right to reset the key', () => {
		it('belongs to every member of a direct room (E3)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob], { t: 'd' });
			await roomkey.call(bob, NAME, rid, sealed(NEW), NEW);
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(NEW);
		});

		it('belongs to members with identity keys if nobody holds the key (E2)', async () => {
			const rid = await addRoom(store, [bob, noIdentity], { encrypted: true, e2eKeyId: OLD });
			expect(await rejection(roomkey.call(noIdentity, NAME, rid, sealed(NEW), NEW))).to.include({
				error: 'error-not-allowed',
			});
			expect(await rejection(roomkey.call(stranger, NAME, rid, sealed(NEW), NEW))).to.include({
				error: 'error-not-allowed',
			});
			await roomkey.call(bob, NAME, rid, sealed(NEW), NEW);
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(NEW);
		});

		it('belongs to members with identity keys if all hold only former keys (E2)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob], { e2eKeyId: 'lost' });
			await roomkey.call(bob, NAME, rid, sealed(NEW), NEW);
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(NEW);
		});
	});

	describe('a repeated reset', () => {
		it('by the same caller with the same key changes nothing (T1)', async () => {
			const rid = await addRoom(store, [bob, carol], { encrypted: true, e2eKeyId: OLD });
			const key = sealed(NEW);
			await roomkey.call(bob, NAME, rid, key, NEW);
			const before = [await roomOf(store, rid), await membership(store, rid, bob)];
			const announced = await announcedDuring(() => roomkey.call(bob, NAME, rid, key, NEW));
			expect(announced).to.deep.equal([]);
			expect([await roomOf(store, rid), await membership(store, rid, bob)]).to.deep.equal(before);
		});

		it('by another caller or with another key is refused', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob], { t: 'd' });
			const key = sealed(NEW);
			await roomkey.call(alice, NAME, rid, key, NEW);
			for (const [as, again] of [
				[bob, key],
				[alice, sealed(NEW)],
			] as const) {
				expect(await rejection(roomkey.call(as, NAME, rid, again, NEW))).to.include({
					error: as === bob ? 'error-e2e-key-reset-failed' : 'error-room-e2e-key-already-exists',
				});
			}
		});
	});

	describe('an interrupted reset', () => {
		/** Opens Roomkey on a store that can fail, with a room that has memberships in every state. */
		async function openCrashing() {
			let crashing: CrashingStore | undefined;
			const other = await openRoomkey(methods, {}, (real) => {
				crashing = crashingStore(real);
				return crashing.store;
			});
			const people: Record<string, Person> = {};
			for (const _id of ['alice', 'bob', 'carol', 'dave', 'eve']) {
				people[_id] = await addPerson(other.store, { _id, username: _id, ...(_id !== 'eve' && IDENTITY) });
			}
			const {
				alice: owner,
				bob: holder,
				carol: offered,
				dave: waiting,
				eve: withoutIdentity,
			} = people as Record<string, Person>;
			const rid = await addRoom(other.store, [], {
				_id: 'room',
				encrypted: true,
				e2eKeyId: OLD,
				e2eStale: { since: new Date(), reason: 'member-left' },
			});
			await addMember(other.store, rid, owner as Person, { E2EKey: `${OLD}-alice`, roles: ['owner'] });
			await addMember(other.store, rid, holder as Person, { E2EKey: `${OLD}-bob` });
			await addMember(other.store, rid, offered as Person, { E2ESuggestedKey: `${OLD}-carol` });
			await addMember(other.store, rid, waiting as Person);
			await addMember(other.store, rid, withoutIdentity as Person, { E2EKey: `${OLD}-eve` });
			const state = async () => {
				const room = await roomOf(other.store, rid);
				const memberships = await other.store.subscriptions
					.find({ rid }, { sort: { 'u._id': 1 }, projection: { _id: 0 } })
					.toArray();
				return JSON.parse(
					JSON.stringify({ room, memberships }, (key, value) =>
						['_updatedAt', 'ts'].includes(key) ? undefined : value,
					),
				);
			};
			const reset = () => other.call(owner as Person, NAME, rid, `${NEW}-alice`, NEW);
			return { ...other, rid, state, reset, crashing: crashing as unknown as CrashingStore };
		}

		it('loses no key, after whichever write it was interrupted, and is completed when the call is repeated (5.6)', async () => {
			const uninterrupted = await openCrashing();
			uninterrupted.crashing.crashAfter(Number.POSITIVE_INFINITY);
			await uninterrupted.reset();
			const writes = uninterrupted.crashing.writes;
			const expected = await uninterrupted.state();
			await uninterrupted.close();
			expect(writes).to.be.greaterThan(6);
			expect(expected.room).to.include({ e2eKeyId: NEW });
			expect(expected.room).to.not.have.any.keys('e2eReset', 'e2eStale');

			for (let n = 0; n < writes; n++) {
				const interrupted = await openCrashing();
				interrupted.crashing.crashAfter(n);
				expect(await rejection(interrupted.reset()), `after ${n} writes`).to.be.instanceOf(Error);
				for (const { u, E2EKey, oldRoomKeys = [] } of await interrupted.store.subscriptions
					.find({ rid: interrupted.rid })
					.toArray()) {
					if (!['alice', 'bob', 'eve'].includes(u._id)) continue;
					const kept = [E2EKey, ...oldRoomKeys.map((old) => old.E2EKey)];
					expect(kept, `${u._id} after ${n} writes`).to.include(`${OLD}-${u._id}`);
				}
				interrupted.crashing.crashAfter(Number.POSITIVE_INFINITY);
				await interrupted.reset();
				expect(await interrupted.state(), `after ${n} writes`).to.deep.equal(expected);
				await interrupted.close();
			}
		});

		it('does not delay a reset by another member after an error (E2)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			const controller = new AbortController();
			controller.abort();
			const caller = { userId: alice.id, signal: controller.signal };
			expect(await rejection(roomkey.callAs(caller, NAME, rid, sealed(NEW), NEW))).to.include({
				error: 'error-e2e-key-reset-failed',
			});
			await store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { roles: ['owner'] } });
			await roomkey.call(bob, NAME, rid, sealed('another'), 'another');
			expect((await roomOf(store, rid)).e2eKeyId).to.equal('another');
		});
	});

	describe('a reset with concurrent calls', () => {
		it('is completed, while a reset in another process is refused (6.1)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob, carol], { t: 'd' });
			const stalling = stallingStore(store);
			const mine = sealed(NEW);
			const first = processOn(stalling.store)(alice, rid, mine, NEW);
			await stalling.reached;
			const second = rejection(processOn(store)(bob, rid, sealed('second'), 'second'));
			expect(await second).to.include({ error: 'error-e2e-key-reset-in-progress' });
			stalling.release();
			await first;
			expect(await roomOf(store, rid)).to.include({ e2eKeyId: NEW });
			expect((await membership(store, rid, alice)).E2EKey).to.equal(mine);
			for (const person of [bob, carol]) {
				const { E2EKey, oldRoomKeys } = await membership(store, rid, person);
				expect([E2EKey, oldRoomKeys?.length]).to.deep.equal([undefined, 1]);
			}
		});

		it('does not change the room after another reset has taken its lock (6.1)', async () => {
			const { rid, keys } = await addKeyedRoom(store, [alice, bob, carol], { t: 'd' });
			const stalling = stallingStore(store);
			const first = rejection(processOn(stalling.store)(alice, rid, sealed(NEW), NEW));
			await stalling.reached;
			await store.rooms.updateOne({ _id: rid }, { $set: { 'e2eReset.until': new Date(0) } });
			const key = sealed('second');
			await processOn(store)(bob, rid, key, 'second');
			stalling.release();
			expect(await first).to.include({ error: 'error-e2e-key-reset-failed' });
			expect(await roomOf(store, rid)).to.include({ e2eKeyId: 'second' });
			expect(await roomOf(store, rid)).to.not.have.property('e2eReset');
			expect((await membership(store, rid, bob)).E2EKey).to.equal(key);
			const { E2EKey, oldRoomKeys } = await membership(store, rid, alice);
			expect([E2EKey, oldRoomKeys?.map((old) => old.E2EKey)]).to.deep.equal([undefined, [keys.get(alice)]]);
		});

		it('loses its lock to a repeated call, which completes it (6.1)', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			const stalling = stallingStore(store);
			const key = sealed(NEW);
			const first = rejection(processOn(stalling.store)(alice, rid, key, NEW));
			await stalling.reached;
			await processOn(store)(alice, rid, key, NEW);
			stalling.release();
			expect(await first).to.include({ error: 'error-e2e-key-reset-failed' });
			expect((await roomOf(store, rid)).e2eKeyId).to.equal(NEW);
			expect((await membership(store, rid, alice)).E2EKey).to.equal(key);
		});

		it('archives a former key that is stored meanwhile, and queues its member', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob, carol]);
			const late = sealed(OLD);
			// Simulates a call that read the room before the reset. It writes just before the caller's key is stored.
			const findOneAndUpdate: Store['subscriptions']['findOneAndUpdate'] = async (filter, update, options) => {
				if ((await roomOf(store, rid)).e2eKeyId === NEW) {
					await store.subscriptions.updateOne(
						{ rid, 'u._id': carol.id, E2EKey: { $exists: false }, 'oldRoomKeys.E2EKey': { $ne: late } },
						{ $set: { E2EKey: late } },
					);
				}
				return store.subscriptions.findOneAndUpdate(filter, update, options);
			};
			await processOn({ ...store, subscriptions: { ...store.subscriptions, findOneAndUpdate } })(
				alice,
				rid,
				sealed(NEW),
				NEW,
			);
			const { E2EKey, oldRoomKeys } = await membership(store, rid, carol);
			expect(E2EKey).to.equal(undefined);
			expect(oldRoomKeys?.map((old) => old.E2EKey)).to.include(late);
			const waiting = (await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId);
			expect(waiting).to.have.members([bob.id, carol.id]);
		});

		it('keeps a member queued who stores a key meanwhile and loses it again', async () => {
			const { rid } = await addKeyedRoom(store, [alice, bob]);
			const setKey = (update: object) => store.subscriptions.updateOne({ rid, 'u._id': bob.id }, update);
			const hooked = hookedStore(store);
			// The reset's first `findOneAndUpdate` of the room sets the queue, the second corrects it.
			hooked.before('rooms', 'findOneAndUpdate', async () => {
				await setKey({ $set: { E2EKey: sealed('claimed') } });
				hooked.before('rooms', 'findOneAndUpdate', () => setKey({ $unset: { E2EKey: 1 } }));
			});
			await processOn(hooked.store)(alice, rid, sealed(NEW), NEW);
			const waiting = (await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId);
			expect(waiting).to.deep.equal([bob.id]);
		});

		it('queues a user who did not fit into the new queue, if a member in it leaves meanwhile', async () => {
			const members = await Promise.all(Array.from({ length: MAX_WAITING + 1 }, () => addPerson(store, IDENTITY)));
			const { rid } = await addKeyedRoom(store, [alice, ...members]);
			const usersWaitingForE2EKeys = members.map(({ id }) => ({ userId: id, ts: new Date() }));
			await store.rooms.updateOne({ _id: rid }, { $set: { usersWaitingForE2EKeys } });
			const hooked = hookedStore(store);
			let leaver = '';
			// Runs before the write that sets the queue. The queue has room for all members but one.
			hooked.before('rooms', 'findOneAndUpdate', async () => {
				const whereKeyless = { rid, E2EKey: { $exists: false }, 'u._id': { $ne: alice.id } };
				const first = (await store.subscriptions.findOne(whereKeyless, { sort: { _id: 1 } })) as Subscription;
				leaver = first.u._id;
				await store.subscriptions.deleteOne({ _id: first._id });
			});
			await processOn(hooked.store)(alice, rid, sealed(NEW), NEW);
			const waiting = (await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId);
			expect(waiting).to.have.members(members.map(({ id }) => id).filter((id) => id !== leaver));
		});

		it('removes the caller from the queue, if replacing their identity keys meanwhile has added them', async () => {
			const caller = await addPerson(store, IDENTITY);
			const { rid } = await addKeyedRoom(store, [caller, bob]);
			await store.subscriptions.updateOne({ rid, 'u._id': caller.id }, { $set: { roles: ['owner'] } });
			const newPair = { public_key: 'new', private_key: 'p', force: true };
			let isReplaced = false;
			// Runs just before the caller's room key is stored. The server cannot know for which identity keys that key is sealed.
			// A caller who cannot open it returns it.
			const findOneAndUpdate: Store['subscriptions']['findOneAndUpdate'] = async (filter, update, options) => {
				if (!isReplaced && (await roomOf(store, rid)).e2eKeyId === NEW) {
					isReplaced = true;
					await roomkey.call(caller, 'e2e.setUserPublicAndPrivateKeys', newPair);
					const queued = (await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId);
					expect(queued).to.include(caller.id);
				}
				return store.subscriptions.findOneAndUpdate(filter, update, options);
			};
			const key = sealed(NEW);
			const reset = processOn({ ...store, subscriptions: { ...store.subscriptions, findOneAndUpdate } });
			await reset(caller, rid, key, NEW);
			expect(isReplaced).to.equal(true);
			expect((await membership(store, rid, caller)).E2EKey).to.equal(key);
			const waiting = (await roomOf(store, rid)).usersWaitingForE2EKeys?.map(({ userId }) => userId);
			expect(waiting).to.deep.equal([bob.id]);
		});
	});

	it('resets a room of 10,000 members in pages, and yields to other calls', async () => {
		const MEMBERS = 10_000;
		const { store: large, close } = await openMemory();
		const owner = await addPerson(large, IDENTITY);
		const other = await addPerson(large);
		const { rid } = await addKeyedRoom(large, [owner]);
		for (let i = 0; i < MEMBERS; i++) {
			const u = { _id: `member-${i}`, username: `member-${i}` };
			await large.users.insertOne({ ...u, ...IDENTITY });
			await large.subscriptions.insertOne({ _id: `membership-${i}`, rid, u, E2EKey: `${OLD}-${i}` });
		}
		let largestPage = 0;
		const find: Store['subscriptions']['find'] = (filter, options) => {
			const cursor = large.subscriptions.find(filter, options);
			return {
				async toArray() {
					const found = await cursor.toArray();
					largestPage = Math.max(largestPage, found.length);
					return found;
				},
				[Symbol.asyncIterator]: () => {
					throw new Error('the members were not read in pages');
				},
			};
		};
		const log = memoryLog();
		const services = { log, bus: createBus(log), settings };
		const invoker = createInvoker(methods, {
			...services,
			store: { ...large, subscriptions: { ...large.subscriptions, find } },
		});
		const as = ({ id }: Person) => ({ userId: id, hashedToken: null, connection: null, clientAddress: null });
		let done = false;
		const reset = invoker.invoke(NAME, [rid, sealed(NEW), NEW], as(owner)).finally(() => {
			done = true;
		});
		let served = 0;
		while (!done) {
			// The next call of a client arrives in a later turn of the event loop.
			await new Promise((resolve) => setImmediate(resolve));
			await invoker.invoke('me', [], as(other));
			served++;
		}
		await reset;
		expect(served).to.be.greaterThan(MEMBERS / 500);
		expect(largestPage).to.be.at.most(500);
		expect(await large.subscriptions.countDocuments({ rid, E2EKey: { $exists: true } })).to.equal(1);
		expect(await large.subscriptions.countDocuments({ rid, 'oldRoomKeys.e2eKeyId': OLD })).to.equal(MEMBERS + 1);
		expect((await roomOf(large, rid)).usersWaitingForE2EKeys).to.have.length(50);
		await close();
	});
});
