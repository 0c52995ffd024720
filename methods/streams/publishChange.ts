/** Publishes a written document to the readers of streams (`test/contract/rocketchat-e2e.md` 10.2, 10.4). */
import type { Room } from '../../shared/documents.js';
import type { Change, EventPayloads } from '../../shared/events.js';
import type { Store } from '../../shared/store.js';
import { PROFILE } from '../accounts/me.js';
import { clientMembership } from '../model/memberships/clientMembership.js';
import { MEMBER, membershipsOf } from '../model/memberships/members.js';
import { clientRoom } from '../model/rooms/clientRoom.js';

/** The subscribers of streams in this process, and the functions to reach them. */
export interface StreamSubscribers {
	/** The event names of a stream that have readers. */
	read(stream: string): ReadonlyMap<string, unknown>;
	notify(event: EventPayloads['notify']): void;
	/** The rooms whose events a user reads. */
	roomsReadBy(userId: string): ReadonlySet<string>;
	/** Authorizes readers of room events again; until the result is known they receive no events. */
	reauthorize(whose: { readonly userId?: string; readonly rid?: string }): Promise<void>;
}

/** Users in one query. */
const BATCH = 500;

const ROOMS_CHANGED = '/rooms-changed';

/** Publishes a change to subscribers: a room to its members, a membership and an account to its user. */
export async function publishChange(change: Change, store: Store, subscribers: StreamSubscribers): Promise<void> {
	const { collection, action, document } = change;
	const notifyLoggedIn = (eventName: string, args: readonly unknown[]) =>
		subscribers.notify({ stream: 'notify-logged', eventName, args });
	if (collection === 'subscriptions' && document.u) {
		const eventName = `${document.u._id}/subscriptions-changed`;
		subscribers.notify({ stream: 'notify-user', eventName, args: [action, clientMembership(document)] });
		if (action === 'removed' && document.rid) await placeLost(document.u._id, document.rid, store, subscribers);
	} else if (collection === 'rooms') {
		const room = await clientRoom(store, document as Room);
		subscribers.notify({ stream: 'room-data', eventName: room._id, args: [room] });
		for await (const uid of listeningMembers(subscribers, document, store)) {
			subscribers.notify({ stream: 'notify-user', eventName: uid + ROOMS_CHANGED, args: [action, room] });
		}
		if (action === 'removed') await subscribers.reauthorize({ rid: room._id });
	} else if (collection === 'users') {
		await publishProfile(change, store, subscribers);
		if (action === 'removed') notifyLoggedIn('Users:Deleted', [{ userId: document._id }]);
		// Their roles may have changed.
		await subscribers.reauthorize({ userId: document._id });
	} else if (collection === 'permissions') {
		notifyLoggedIn('permissions-changed', [action, document]);
		await subscribers.reauthorize({});
	}
}

/** Publishes to a user the fields of their own profile that a change of the account has set or removed. */
async function publishProfile(
	{ action, document: { _id: id } }: Change,
	store: Store,
	subscribers: StreamSubscribers,
): Promise<void> {
	const eventName = `${id}/userData`;
	if (!subscribers.read('notify-user').has(eventName)) return;
	const tell = (what: object) => subscribers.notify({ stream: 'notify-user', eventName, args: [what] });
	if (action === 'removed') return tell({ type: 'removed', id });
	const user = await store.users.findOne({ _id: id }, { projection: PROFILE });
	if (!user) return;
	const { _id, ...diff } = user;
	const missing = Object.entries(PROFILE).filter(([field]) => !Object.hasOwn(diff, field));
	tell({ type: 'updated', id, diff, unset: Object.fromEntries(missing) });
}

/** A user who has lost a membership may have lost access to the room and its discussions. */
async function placeLost(userId: string, rid: string, store: Store, subscribers: StreamSubscribers): Promise<void> {
	await subscribers.reauthorize({ userId, rid });
	const others = [...subscribers.roomsReadBy(userId)].filter((other) => other !== rid);
	if (others.length === 0) return;
	const discussions = { _id: { $in: others }, prid: { $exists: true } };
	for await (const { _id } of store.rooms.find(discussions, { projection: { _id: 1 } })) {
		await subscribers.reauthorize({ userId, rid: _id });
	}
}

/**
 * The members of a room who subscribe to changes of their rooms. It iterates over the smaller set, members or
 * subscribers.
 */
async function* listeningMembers(
	subscribers: StreamSubscribers,
	{ _id: rid, usersCount = Number.POSITIVE_INFINITY }: { readonly _id: string; readonly usersCount?: number },
	store: Store,
): AsyncIterable<string> {
	const read = subscribers.read('notify-user');
	if (read.size === 0) return;
	if (usersCount < read.size) {
		for await (const page of membershipsOf(store, rid, MEMBER, { 'u._id': 1 })) {
			for (const { u } of page) if (read.has(u._id + ROOMS_CHANGED)) yield u._id;
		}
		return;
	}
	const uids: string[] = [];
	for (const name of read.keys()) {
		if (name.endsWith(ROOMS_CHANGED)) uids.push(name.slice(0, -ROOMS_CHANGED.length));
	}
	for (let i = 0; i < uids.length; i += BATCH) {
		const memberships = store.subscriptions.find(
			{ rid, 'u._id': { $in: uids.slice(i, i + BATCH) }, ...MEMBER },
			{ projection: { 'u._id': 1 } },
		);
		for await (const { u } of memberships) yield u._id;
	}
}
