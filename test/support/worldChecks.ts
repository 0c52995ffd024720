/** What must be true of the rooms and memberships in a `World` after each call. */
import assert from 'node:assert/strict';
import { type KeyState, stateOf, TRANSITIONS } from '../../methods/model/keys/memberKeys.js';
import type { Room, Subscription, User } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';

/** The transitions that each method may apply to the keys of members. Other methods apply none. */
const APPLIED: Readonly<Record<string, readonly (keyof typeof TRANSITIONS)[]>> = {
	'e2e.acceptSuggestedGroupKey': ['accept', 'drop', 'archive'],
	'e2e.provideUsersSuggestedGroupKeys': ['offer', 'drop'],
	'e2e.rejectSuggestedGroupKey': ['drop'],
	'e2e.requestSubscriptionKeys': ['archive'],
	'e2e.resetOwnE2EKey': ['clear'],
	'e2e.resetRoomKey': ['clear', 'store'],
	'e2e.returnRoomKey': ['returnKey'],
	'e2e.setOrGetRoomKeyID': ['store', 'archive'],
	'e2e.setUserPublicAndPrivateKeys': ['clear'],
	'e2e.updateGroupKey': ['store', 'offer', 'drop', 'archive'],
};

/** The states that the transitions of a method may reach from the given ones. */
function reachable(method: string, from: readonly KeyState[]): ReadonlySet<KeyState> {
	const states = new Set(from);
	// Applies the transitions until they add no state.
	for (let size = 0; size < states.size; ) {
		size = states.size;
		for (const name of APPLIED[method] ?? []) {
			const transition: { from: readonly KeyState[]; to: readonly KeyState[] } = TRANSITIONS[name];
			if (transition.from.some((state) => states.has(state))) for (const state of transition.to) states.add(state);
		}
	}
	return states;
}

/** Rooms and memberships as they were at some moment, by id. */
export interface Snapshot {
	readonly rooms: ReadonlyMap<string, Room>;
	readonly memberships: ReadonlyMap<string, Subscription>;
}

/** Maximum number of former keys that a membership keeps. */
const MAX_OLD_KEYS = 10;

/** Length of a sealed key after the key id, in characters: 256 bytes in base64. */
const SEALED_LENGTH = 344;

/** The key id at the start of a sealed key. */
export const keyIdIn = (storedKey: string) => storedKey.slice(0, -SEALED_LENGTH);

/** Checks that a key id stays until a reset. */
export function checkKeyId(
	{ name, newKeyId }: { readonly name: string; readonly newKeyId?: string },
	before: string | null | undefined,
	{ _id, e2eKeyId }: Room,
): void {
	if (e2eKeyId === before) return;
	assert.equal(e2eKeyId, newKeyId, `key id of ${_id} after ${name}`);
	if (before) assert.equal(name, 'e2e.resetRoomKey', `key id of ${_id} has changed`);
}

/** Checks that the keys of every member have changed only by transitions of the method. */
export function checkStates(method: string, before: Snapshot, room: Room, memberships: readonly Subscription[]): void {
	for (const membership of memberships) {
		const former = before.memberships.get(membership._id);
		if (!former) continue;
		// If the call has changed the room's key id, the former keys are in another state under the new id.
		const from = [stateOf(former, before.rooms.get(room._id) ?? room), stateOf(former, room)];
		const state = stateOf(membership, room);
		assert.ok(reachable(method, from).has(state), `${method} has led from ${from} to ${state}`);
	}
}

/**
 * Checks that memberships still have the keys whose storage was acknowledged. A membership with
 * `MAX_OLD_KEYS` old keys may have lost others.
 */
export function checkPromises(
	memberships: readonly Subscription[],
	promisedTo: (membership: Subscription) => ReadonlySet<string> | undefined,
): void {
	for (const membership of memberships) {
		const { rid, u, E2EKey, oldRoomKeys = [] } = membership;
		const stored = [E2EKey, ...oldRoomKeys.map((old) => old.E2EKey)];
		const lost = [...(promisedTo(membership) ?? [])].filter((key) => !stored.includes(key));
		if (oldRoomKeys.length < MAX_OLD_KEYS) assert.deepEqual(lost, [], `lost keys of ${u.username} in ${rid}`);
	}
}

/** Checks that waiting users are members with identity keys and no key. All keys must have the room's key id. */
export async function checkQueue(
	store: Store,
	{ _id, e2eKeyId, usersWaitingForE2EKeys = [] }: Room,
	memberships: readonly Subscription[],
): Promise<void> {
	const ids = usersWaitingForE2EKeys.map(({ userId }) => userId);
	assert.equal(new Set(ids).size, ids.length, `${_id}: a user is in the queue twice`);
	for (const id of ids) {
		const membership = memberships.find(({ u }) => u._id === id);
		assert.ok(membership, `${_id}: ${id} waits and is no member`);
		assert.equal(membership?.E2EKey, undefined, `${_id}: ${id} waits and has a key`);
		const user = (await store.users.findOne({ _id: id })) as User | null;
		assert.equal(typeof user?.e2e?.public_key, 'string', `${_id}: ${id} waits without an identity`);
	}
	for (const { E2EKey, E2ESuggestedKey, u } of memberships) {
		for (const key of [E2EKey, E2ESuggestedKey]) {
			if (key) assert.equal(keyIdIn(key), e2eKeyId, `${_id}: key of ${u.username}`);
		}
	}
}
