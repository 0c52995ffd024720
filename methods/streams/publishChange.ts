/** Publishes a written document to the readers of streams (`test/contract/rocketchat-e2e.md` 10.2, 10.4). */
import { batchesOf } from '../../shared/batches.js';
import type { Change, EventPayloads } from '../../shared/events.js';
import { isChangeOf, type Store } from '../../shared/store.js';
import { PROFILE_FIELDS } from '../accounts/me.js';
import { TasksInOrder } from '../model/inOrder.js';
import { clientMembership } from '../model/memberships/clientMembership.js';
import { MEMBER, userIdsOfMemberships } from '../model/memberships/members.js';
import { dropCachedPermission } from '../model/permissions/permissions.js';
import { clientRoom } from '../model/rooms/clientRoom.js';
import { isKnownSetting } from '../model/settings/known.js';
import { dropCachedSetting } from '../model/settings/workspace.js';

/**
 * The subscribers of streams in this process, and the functions to reach them. A reader is a subscription to the events of
 * one name.
 */
export interface StreamSubscribers {
	/** The events of a stream that have readers, by name. */
	eventsWithReaders(stream: string): ReadonlyMap<string, unknown>;
	notify(event: EventPayloads['notify']): void;
	/** The rooms whose events a user reads. */
	roomsReadBy(userId: string): ReadonlySet<string>;
	/**
	 * Checks again whether readers of room events may still read them. Until the result is known they receive no events.
	 * @param selected the readers of this user and room; without `userId` of all users, without `rid` of all rooms
	 */
	reauthorize(selected: { readonly userId?: string; readonly rid?: string }): Promise<void>;
	/** Checks all readers of room events again. Each receives events until its own check begins. */
	reauthorizeAll(): Promise<void>;
}

const USERS_PER_QUERY = 500;

const ROOMS_CHANGED = '/rooms-changed';

const tasksBySubscribers = new WeakMap<StreamSubscribers, TasksInOrder>();

/**
 * Publishes when all earlier publications under the same key have ended. Each reads the store. Without this order,
 * subscribers could receive the older state last.
 */
function inOrder(subscribers: StreamSubscribers, key: string, publish: () => Promise<void>): Promise<void> {
	let tasks = tasksBySubscribers.get(subscribers);
	if (!tasks) {
		tasks = new TasksInOrder();
		tasksBySubscribers.set(subscribers, tasks);
	}
	return tasks.run(key, publish);
}

/** The action for a permission or setting. A new one is `updated`, because clients treat both alike. */
const actionOf = ({ action }: Change) => (action === 'removed' ? 'removed' : 'updated');

/** Publishes a change of a document to the readers of streams. */
export function publishChange(change: Change, store: Store, subscribers: StreamSubscribers): Promise<void> | undefined {
	if (isChangeOf(change, 'subscriptions')) return publishMembership(change, store, subscribers);
	if (isChangeOf(change, 'rooms')) {
		return inOrder(subscribers, `room ${change.document._id}`, () => publishRoom(change, store, subscribers));
	}
	if (isChangeOf(change, 'users')) return publishUser(change, store, subscribers);
	if (isChangeOf(change, 'permissions')) {
		const { _id, roles } = change.document;
		dropCachedPermission(store, _id);
		const args = [actionOf(change), { _id, roles }];
		subscribers.notify({ stream: 'notify-logged', eventName: 'permissions-changed', args });
		return subscribers.reauthorizeAll();
	}
	if (isChangeOf(change, 'settings')) {
		const { _id, value } = change.document;
		dropCachedSetting(store, _id);
		const args = [actionOf(change), { _id, value }];
		if (isKnownSetting(_id)) subscribers.notify({ stream: 'notify-all', eventName: 'public-settings-changed', args });
	}
	return undefined;
}

/**
 * Publishes an account to its user, and a deletion to all users who are logged in. Then checks the user's readers of
 * room events again, because roles may have changed.
 */
function publishUser(change: Change<'users'>, store: Store, subscribers: StreamSubscribers): Promise<void> | undefined {
	const { _id: userId } = change.document;
	const isProfileRead = subscribers.eventsWithReaders('notify-user').has(`${userId}/userData`);
	const profilePublished = isProfileRead
		? inOrder(subscribers, `profile ${userId}`, () => publishProfile(change, store, subscribers))
		: undefined;
	if (change.action === 'removed')
		subscribers.notify({ stream: 'notify-logged', eventName: 'Users:Deleted', args: [{ userId }] });
	// Readers are checked even if the profile cannot be read. Without readers, nothing is awaited.
	if (profilePublished) return profilePublished.finally(() => subscribers.reauthorize({ userId }));
	return subscribers.roomsReadBy(userId).size > 0 ? subscribers.reauthorize({ userId }) : undefined;
}

async function publishMembership(
	{ action, document }: Change<'subscriptions'>,
	store: Store,
	subscribers: StreamSubscribers,
): Promise<void> {
	const { _id, rid, u, t } = document;
	const isRemoved = action === 'removed';
	if (!u) {
		// Another program has removed the membership, so its user is unknown.
		if (isRemoved) await subscribers.reauthorizeAll();
		return;
	}
	const visible = isRemoved ? { _id, rid, u, ...(t && { t }) } : clientMembership(document);
	subscribers.notify({ stream: 'notify-user', eventName: `${u._id}/subscriptions-changed`, args: [action, visible] });
	if (isRemoved && rid) await onMembershipLost(u._id, rid, store, subscribers);
}

async function publishRoom(
	{ action, document }: Change<'rooms'>,
	store: Store,
	subscribers: StreamSubscribers,
): Promise<void> {
	const { _id, t, name } = document;
	const isRemoved = action === 'removed';
	const visible = isRemoved ? { _id, t, ...(name !== undefined && { name }) } : await clientRoom(store, document);
	subscribers.notify({ stream: 'room-data', eventName: _id, args: [visible] });
	try {
		for await (const uid of subscribedMembers(subscribers, document, store)) {
			subscribers.notify({ stream: 'notify-user', eventName: uid + ROOMS_CHANGED, args: [action, visible] });
		}
	} finally {
		if (isRemoved) await subscribers.reauthorize({ rid: _id });
	}
}

/** Publishes the profile of an account to its user. `unset` names the absent fields. */
async function publishProfile(
	{ action, document: { _id: id } }: Change<'users'>,
	store: Store,
	subscribers: StreamSubscribers,
): Promise<void> {
	const eventName = `${id}/userData`;
	const notify = (change: object) => subscribers.notify({ stream: 'notify-user', eventName, args: [change] });
	if (action === 'removed') return notify({ type: 'removed', id });
	const user = await store.users.findOne({ _id: id }, { projection: PROFILE_FIELDS });
	if (!user) return;
	const { _id, ...diff } = user;
	const missing = Object.entries(PROFILE_FIELDS).filter(([field]) => !Object.hasOwn(diff, field));
	notify({ type: 'updated', id, diff, unset: Object.fromEntries(missing) });
}

/** Checks the user's readers of this room again, and those of discussions, which may belong to this room. */
async function onMembershipLost(
	userId: string,
	rid: string,
	store: Store,
	subscribers: StreamSubscribers,
): Promise<void> {
	await subscribers.reauthorize({ userId, rid });
	const others = [...subscribers.roomsReadBy(userId)].filter((readRid) => readRid !== rid);
	if (others.length === 0) return;
	const whereDiscussion = { _id: { $in: others }, prid: { $exists: true } };
	for await (const { _id } of store.rooms.find(whereDiscussion, { projection: { _id: 1 } })) {
		await subscribers.reauthorize({ userId, rid: _id });
	}
}

/**
 * The members of a room who read changes of their rooms. Goes through the members or through the event names with
 * readers, whichever are fewer.
 */
async function* subscribedMembers(
	subscribers: StreamSubscribers,
	{ _id: rid, usersCount = Number.POSITIVE_INFINITY }: { readonly _id: string; readonly usersCount?: number },
	store: Store,
): AsyncIterable<string> {
	const eventNames = subscribers.eventsWithReaders('notify-user');
	if (eventNames.size === 0) return;
	if (usersCount < eventNames.size) {
		for await (const page of userIdsOfMemberships(store, rid, MEMBER)) {
			for (const uid of page) if (eventNames.has(uid + ROOMS_CHANGED)) yield uid;
		}
		return;
	}
	const uids: string[] = [];
	for (const name of eventNames.keys()) {
		if (name.endsWith(ROOMS_CHANGED)) uids.push(name.slice(0, -ROOMS_CHANGED.length));
	}
	for (const batch of batchesOf(uids, USERS_PER_QUERY)) {
		const memberships = store.subscriptions.find(
			{ rid, 'u._id': { $in: batch }, ...MEMBER },
			{ projection: { 'u._id': 1 } },
		);
		for await (const { u } of memberships) yield u._id;
	}
}
