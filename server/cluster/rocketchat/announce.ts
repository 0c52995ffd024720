/**
 * Converts events to those of Rocket.Chat's broker, without tokens, passwords and private keys of users. Memberships
 * contain sealed room keys.
 */
import { clientMembership } from '../../../methods/model/memberships/clientMembership.js';
import { clientRoom } from '../../../methods/model/rooms/clientRoom.js';
import { isKnownSetting } from '../../../methods/model/settings/known.js';
import type { Change, EventName, EventPayloads } from '../../../shared/events.js';
import { isChangeOf, type Store } from '../../../shared/store.js';

export type Announcement = readonly [event: string, ...args: unknown[]];

/** Rocket.Chat decides which of these fields other users may see. */
const ANNOUNCED_USER_FIELDS = { username: 1, name: 1, nickname: 1, bio: 1, roles: 1, active: 1, type: 1 } as const;

/** Returns undefined for an event that Rocket.Chat does not need. */
export async function announcementOf<N extends EventName>(
	name: N,
	payload: EventPayloads[N],
	store: Store,
): Promise<Announcement | undefined> {
	switch (name) {
		case 'changed':
			return changeAnnouncement(payload as Change, store);
		case 'notify':
			return streamAnnouncement(payload as EventPayloads['notify']);
		case 'tokens-removed':
			return logoutAnnouncement(payload as EventPayloads['tokens-removed'], store);
		default:
			return undefined;
	}
}

async function changeAnnouncement(change: Change, store: Store): Promise<Announcement | undefined> {
	const { action: clientAction } = change;
	if (isChangeOf(change, 'rooms')) {
		const { _id, t, name } = change.document;
		const room =
			clientAction === 'removed' ? { _id, t, ...(name && { name }) } : await clientRoom(store, change.document);
		return ['watch.rooms', { clientAction, room }];
	}
	if (isChangeOf(change, 'subscriptions')) {
		const { _id, rid, u, t } = change.document;
		const isRemoved = clientAction === 'removed';
		const subscription = isRemoved ? { _id, rid, u, ...(t && { t }) } : clientMembership(change.document);
		return ['watch.subscriptions', { clientAction, subscription }];
	}
	if (isChangeOf(change, 'users')) return userAnnouncement(change, store);
	if (isChangeOf(change, 'settings')) {
		// Settings that Roomkey does not know may be secret.
		return isKnownSetting(change.document._id)
			? ['watch.settings', { clientAction, setting: change.document }]
			: undefined;
	}
	if (isChangeOf(change, 'permissions')) return ['permission.changed', { clientAction, data: change.document }];
	if (isChangeOf(change, 'roles')) return ['watch.roles', { clientAction, role: change.document }];
	return undefined;
}

async function userAnnouncement(
	{ action, document }: Change<'users'>,
	store: Store,
): Promise<Announcement | undefined> {
	const { _id: id } = document;
	if (action === 'removed') return ['watch.users', { id, clientAction: 'removed' }];
	const user = await store.users.findOne({ _id: id }, { projection: ANNOUNCED_USER_FIELDS });
	if (!user) return undefined;
	if (action === 'inserted') return ['watch.users', { id, clientAction: 'inserted', data: user }];
	// The changed fields are not known, so all fields are announced as changed.
	const { _id, ...diff } = user;
	const missing = Object.keys(ANNOUNCED_USER_FIELDS).filter((field) => !Object.hasOwn(diff, field));
	const unset = Object.fromEntries(missing.map((field) => [field, 1]));
	return ['watch.users', { id, clientAction: 'updated', diff, unset }];
}

/**
 * `user.forceLogout` makes Rocket.Chat end all logins of a user, so it is announced only if no token is left.
 * Rocket.Chat notices the removal of single tokens.
 */
async function logoutAnnouncement(
	{ userId }: EventPayloads['tokens-removed'],
	store: Store,
): Promise<Announcement | undefined> {
	const hasToken = { _id: userId, 'services.resume.loginTokens.hashedToken': { $exists: true } };
	const user = await store.users.findOne(hasToken, { projection: { _id: 1 } });
	return user ? undefined : ['user.forceLogout', userId];
}

/** Only events of these streams are announced and received. */
export const ROCKETCHAT_STREAMS: ReadonlySet<string> = new Set([
	'notify-room',
	'notify-user',
	'notify-logged',
	'notify-all',
]);

function streamAnnouncement({ stream, eventName, args }: EventPayloads['notify']): Announcement | undefined {
	if (!ROCKETCHAT_STREAMS.has(stream)) return undefined;
	const [id, event] = eventName.split('/');
	if (stream === 'notify-room' && event === 'e2e.keyRequest') return ['notify.e2e.keyRequest', id, ...args];
	if (stream === 'notify-user' && event === 'force_logout') return ['user.forceLogout', id, ...args];
	return ['stream', [stream, eventName, args]];
}
