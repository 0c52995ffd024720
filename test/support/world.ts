/**
 * Five people and three rooms, for a model test of key exchange. Calls may be interrupted. After each call, what is
 * stored is compared with what was acknowledged.
 */
import assert from 'node:assert/strict';
import { expect } from 'chai';
import { methods } from '../../methods/index.js';
import type { Room, Subscription } from '../../shared/documents.js';
import { type ClientError, isClientSafe, MatchError } from '../../shared/errors.js';
import type { Store, UpdateFilter } from '../../shared/store.js';
import { type CrashingStore, crashingStore } from './crash.js';
import { publicKey } from './keys.js';
import { addMember, addPerson, addRoom, type Person } from './people.js';
import { openRoomkey, type TestRoomkey } from './roomkey.js';
import { checkKeyId, checkPromises, checkQueue, checkStates, keyIdIn, type Snapshot } from './worldChecks.js';

export interface Call {
	readonly by: Person;
	readonly name: string;
	readonly args: Readonly<Record<string, unknown>>;
	/** The key id that the call may give to a room. */
	readonly newKeyId?: string;
	/** The key that the call stores for its caller. */
	readonly storesKey?: { rid: string; key: string };
	/** The room whose offered key the call accepts. */
	readonly accepts?: string;
}

/** How a call ended. `crashed`: by the simulated end of the process. */
export type Outcome = { kind: 'done'; value: unknown } | { kind: 'refused'; error: unknown } | { kind: 'crashed' };

const byName = new Map(methods.map((method) => [method.name, method]));

function paramsOf({ name, args }: Call): unknown[] {
	const method = byName.get(name);
	if (!method) throw new Error(`There is no method ${name}`);
	return method.rest?.body === 'object' ? [args] : method.args.map(([arg]) => args[arg]);
}

export class World {
	readonly people: Person[] = [];
	readonly rooms: string[] = [];
	admin!: Person;
	/** The keys that must stay stored, because their storage was acknowledged, by room and member. */
	readonly #promised = new Map<string, Set<string>>();
	/** Whether a call was interrupted and not repeated. */
	#interrupted = false;
	/** Number of idempotency keys that were used. */
	#keyCount = 0;
	/** Events that contained a secret. */
	readonly #leaks: string[] = [];

	private constructor(
		private readonly roomkey: TestRoomkey,
		private readonly crashing: { current: CrashingStore },
	) {}

	static async open(): Promise<World> {
		const crashing = {} as { current: CrashingStore };
		const makeCrashing = (store: Store) => {
			crashing.current = crashingStore(store);
			return crashing.current.store;
		};
		const world = new World(await openRoomkey(methods, { leaseTime: 0 }, makeCrashing), crashing);
		await world.#populate();
		world.#listen();
		return world;
	}

	get store(): Store {
		return this.roomkey.store;
	}

	close(): Promise<void> {
		return this.roomkey.close();
	}

	async #populate(): Promise<void> {
		this.admin = await addPerson(this.store, { roles: ['admin', 'user'] });
		for (let i = 0; i < 5; i++) this.people.push(await addPerson(this.store, { username: `person${i}` }));
		const [first, second] = this.people as [Person, Person];
		for (let i = 0; i < 3; i++) {
			const rid = await addRoom(this.store, [], { encrypted: true, name: `room${i}`, u: { _id: first.id } });
			await addMember(this.store, rid, first, { roles: ['owner'] });
			await addMember(this.store, rid, second, { roles: ['owner'] });
			for (const person of this.people.slice(2, 2 + i)) await addMember(this.store, rid, person);
			this.rooms.push(rid);
		}
	}

	/** Records events that contain a secret. */
	#listen(): void {
		const look = (payload: unknown) => {
			const text = JSON.stringify(payload);
			if (/"services"|private_key|secret of/.test(text)) this.#leaks.push(text);
		};
		this.roomkey.bus.on('changed', look);
		this.roomkey.bus.on('notify', look);
	}

	/**
	 * @param key the idempotency key
	 * @param crashAfter number of writes after which the process ends
	 */
	async #attempt(call: Call, key: string, crashAfter = Number.POSITIVE_INFINITY): Promise<Outcome> {
		this.crashing.current.crashAfter(crashAfter);
		try {
			const caller = { userId: call.by.id, idempotencyKey: { key, session: null } };
			const value = await this.roomkey.callAs(caller, call.name, ...paramsOf(call));
			return { kind: 'done', value };
		} catch (error) {
			if (error instanceof MatchError) throw error;
			if (isClientSafe(error) && (error as ClientError).error !== 500) {
				// After a crash, an error of the method does not count as an answer.
				return this.crashing.current.crashed ? { kind: 'crashed' } : { kind: 'refused', error };
			}
			if (!this.crashing.current.crashed) throw new Error(`${call.name} failed: ${this.#lastLine()}`);
			return { kind: 'crashed' };
		} finally {
			this.crashing.current.crashAfter(Number.POSITIVE_INFINITY);
		}
	}

	#lastLine(): string {
		const facts = this.roomkey.log.lines.at(-1)?.facts as { err?: Error } | undefined;
		return String(facts?.err?.stack ?? JSON.stringify(facts));
	}

	/**
	 * Makes a call, notes which keys it has acknowledged, and checks everything that is stored.
	 * @param how `crashAfter`: the process ends after so many writes. `again`: an interrupted call is repeated.
	 *   `lost`: the client loses the answer and repeats the call
	 */
	async make(call: Call, how: { crashAfter?: number; lost?: boolean; again?: boolean } = {}): Promise<Outcome> {
		const before = await this.#snapshot();
		const offered = call.accepts ? await this.#offerTo(call.by, call.accepts) : undefined;
		const key = `key ${this.#keyCount++}`;
		let outcome = await this.#attempt(call, key, how.crashAfter);
		if (outcome.kind === 'crashed') {
			if (how.again) outcome = await this.#attempt(call, `${key} again`);
			else this.#interrupted = true;
		} else if (how.lost) {
			const answer = await this.#attempt(call, key);
			if (byName.get(call.name)?.once) expect(answer).to.deep.equal(outcome, 'one answer per call');
		}
		if (outcome.kind === 'done') this.#note(call, outcome.value, offered);
		await this.#forgetFormerMembers();
		await this.#check(call, before);
		return outcome;
	}

	async #offerTo(person: Person, rid: string): Promise<string | undefined> {
		return (await this.membership(rid, person))?.E2ESuggestedKey?.trim();
	}

	#note({ by, storesKey, accepts, newKeyId }: Call, value: unknown, offered: string | undefined): void {
		// If the answer has another key id, another client was faster, and the server has not stored the caller's key.
		const setKeyId = (value as { keyID?: string } | undefined)?.keyID;
		const isKept = setKeyId === undefined || setKeyId === newKeyId;
		if (storesKey && isKept) this.#promise(storesKey.rid, by, storesKey.key);
		if (accepts && offered) this.#promise(accepts, by, offered);
	}

	#promise(rid: string, { id }: Person, key: string): void {
		const membership = `${rid} ${id}`;
		this.#promised.set(membership, (this.#promised.get(membership) ?? new Set()).add(key));
	}

	/** Forgets the promised keys of users who are no longer members. */
	async #forgetFormerMembers(): Promise<void> {
		for (const membership of this.#promised.keys()) {
			const [rid, id] = membership.split(' ') as [string, string];
			if (!(await this.membership(rid, { id }))) this.#promised.delete(membership);
		}
	}

	membership(rid: string, { id }: Pick<Person, 'id'>): Promise<Subscription | null> {
		return this.store.subscriptions.findOne({ rid, 'u._id': id });
	}

	room(rid: string): Promise<Room | null> {
		return this.store.rooms.findOne({ _id: rid });
	}

	members(rid: string): Promise<Person[]> {
		return this.membersWith(rid, () => true);
	}

	async #snapshot(): Promise<Snapshot> {
		const rooms = await this.store.rooms.find({ _id: { $in: this.rooms } }).toArray();
		const memberships = await this.store.subscriptions.find({ rid: { $in: this.rooms } }).toArray();
		return {
			rooms: new Map(rooms.map((room) => [room._id, room])),
			memberships: new Map(memberships.map((membership) => [membership._id, membership])),
		};
	}

	// Runs hundreds of thousands of times. Node's assertions cost a tenth of chai's.
	async #check(call: Call, before: Snapshot): Promise<void> {
		assert.deepEqual(this.#leaks, [], `sent after ${call.name}`);
		for (const rid of this.rooms) {
			const room = await this.room(rid);
			if (!room) continue;
			const memberships = await this.store.subscriptions.find({ rid }).toArray();
			checkKeyId(call, before.rooms.get(rid)?.e2eKeyId, room);
			checkStates(call.name, before, room, memberships);
			checkPromises(memberships, ({ u }) => this.#promised.get(`${rid} ${u._id}`));
			if (!this.#interrupted) await checkQueue(this.store, room, memberships);
		}
	}

	/** Ends the locks of interrupted resets, which otherwise last for 30 seconds. */
	async #expireResetLocks(): Promise<void> {
		const past = { $set: { 'e2eReset.until': new Date(0) } };
		await this.store.rooms.updateMany({ 'e2eReset.id': { $exists: true } }, past as UpdateFilter<Room>);
	}

	async membersWith(rid: string, isWanted: (membership: Subscription) => boolean): Promise<Person[]> {
		const memberships = (await this.store.subscriptions.find({ rid }).toArray()).filter(isWanted);
		return this.people.filter(({ id }) => memberships.some(({ u }) => u._id === id));
	}

	async #publicKeyOf(person: Person): Promise<string | undefined> {
		return (await this.store.users.findOne({ _id: person.id }))?.e2e?.public_key;
	}

	async #succeed(call: Call): Promise<unknown> {
		const outcome = await this.make(call);
		if (outcome.kind !== 'done')
			throw new Error(`${call.name} by ${call.by.username}: ${(outcome as { error?: unknown }).error}`);
		return outcome.value;
	}

	/**
	 * Checks that in each encrypted room, some member can get or make the key and give it to the others.
	 * @param sealed makes a unique sealed key with a key id
	 */
	async revive(sealed: (keyId: string) => string): Promise<void> {
		await this.#expireResetLocks();
		for (const rid of this.rooms) {
			const members = await this.members(rid);
			if (!(await this.room(rid))?.encrypted || members.length === 0) continue;
			for (const by of members) {
				if (await this.#publicKeyOf(by)) continue;
				const pair = { public_key: publicKey(by.username), private_key: `secret of ${by.username}`, force: true };
				await this.#succeed({ by, name: 'e2e.setUserPublicAndPrivateKeys', args: pair });
			}
			const holder = await this.#holderOf(rid, members, sealed);
			// The call also removes users from the queue who may not wait. An interrupted call can have left them there.
			await this.#waitingIn(rid, holder);
			for (const member of members) if (member !== holder) await this.#giveKey(rid, holder, member, sealed);
			for (const member of members) {
				const keyId = keyIdIn((await this.membership(rid, member))?.E2EKey ?? '');
				expect(keyId, `${member.username} has the key of ${rid}`).to.equal((await this.room(rid))?.e2eKeyId);
			}
			const memberships = await this.store.subscriptions.find({ rid }).toArray();
			await checkQueue(this.store, (await this.room(rid)) as Room, memberships);
		}
	}

	/** A member who holds the key. If nobody holds it, or a member has returned it, makes a new one. */
	async #holderOf(rid: string, members: readonly Person[], sealed: (keyId: string) => string): Promise<Person> {
		const by = members[0] as Person;
		const state = (await this.#succeed({ by, name: 'e2e.roomState', args: { rid } })) as {
			keyID?: string;
			hasHolder: boolean;
			returnedOffers?: unknown[];
			members: { _id: string; state: string }[];
		};
		// A member who has returned the key cannot be offered it again, so the room then needs a new one.
		if (state.hasHolder && !state.returnedOffers) {
			const holder = state.members.find((member) => member.state === 'holder');
			return members.find(({ id }) => id === holder?._id) as Person;
		}
		const keyId = `revived-${this.#keyCount}`;
		const key = sealed(keyId);
		if (state.keyID) {
			const reset = { rid, e2eKey: key, e2eKeyId: keyId };
			const call = { name: 'e2e.resetRoomKey', args: reset, newKeyId: keyId, storesKey: { rid, key } };
			for (const member of members) {
				if ((await this.make({ ...call, by: member })).kind === 'done') return member;
			}
			throw new Error(`Nobody may reset the key of ${rid}`);
		} else {
			await this.#succeed({ by, name: 'e2e.setRoomKeyID', args: { rid, keyID: keyId }, newKeyId: keyId });
			const update = { rid, uid: by.id, key };
			await this.#succeed({ by, name: 'e2e.updateGroupKey', args: update, storesKey: { rid, key } });
		}
		return by;
	}

	async #waitingIn(rid: string, by: Person): Promise<string[]> {
		const call = { by, name: 'e2e.fetchUsersWaitingForGroupKey', args: { roomIds: [rid] } };
		const { usersWaitingForE2EKeys: waiting } = (await this.#succeed(call)) as {
			usersWaitingForE2EKeys: Record<string, { _id: string }[]>;
		};
		return waiting[rid]?.map(({ _id }) => _id) ?? [];
	}

	/** The holder offers a member the key, unless an offer exists, and the member accepts. */
	async #giveKey(rid: string, holder: Person, member: Person, sealed: (keyId: string) => string): Promise<void> {
		const keyId = (await this.room(rid))?.e2eKeyId as string;
		const lacks = async () => {
			const membership = await this.membership(rid, member);
			return membership?.E2EKey === undefined || keyIdIn(membership.E2EKey) !== keyId;
		};
		if (!(await lacks())) return;
		// Clients without a usable key make this call. It archives a key that an interrupted call has left behind.
		await this.#succeed({ by: member, name: 'e2e.requestSubscriptionKeys', args: {} });
		for (let tries = 0; tries < 2 && (await lacks()); tries++) {
			if (!(await this.#offerTo(member, rid))) {
				expect(await this.#waitingIn(rid, holder), `who waits in ${rid}`).to.include(member.id);
				const entry = { _id: member.id, key: sealed(keyId) };
				const offers = { usersSuggestedGroupKeys: { [rid]: [entry] } };
				await this.#succeed({ by: holder, name: 'e2e.provideUsersSuggestedGroupKeys', args: offers });
			}
			// An offer that an interrupted reset has left behind is refused and removed.
			await this.make({ by: member, name: 'e2e.acceptSuggestedGroupKey', args: { rid }, accepts: rid });
			if ((await this.membership(rid, member))?.E2EKey && (await lacks())) {
				await this.#succeed({ by: member, name: 'e2e.returnRoomKey', args: { rid } });
			}
		}
	}
}
