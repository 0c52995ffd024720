/** What of a room leaves the store: the fields named here, and what `shownRoom` lets through of them. */
import type { Room } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import { isEncryptionShown, shownRoom } from './shown.js';

/**
 * Those Rocket.Chat's clients are sent, and what Roomkey adds for keys. Not among them: the code to join by, the token of
 * a livechat visitor.
 */
const FIELDS = [
	'_id _updatedAt t name fname u usernames uids usersCount default msgs ts lm lastMessage ro reactWhenReadOnly sysMes',
	'topic description announcement announcementDetails customFields archived broadcast muted unmuted featured retention',
	'encrypted e2eKeyId usersWaitingForE2EKeys e2eToggled e2eStale prid teamId teamMain joinCodeRequired federated',
	'servedBy departmentId open avatarETag autoTranslateLanguage',
].flatMap((line) => line.split(' '));

/** Which fields to read of rooms that are to be published. */
export const PUBLISHED = Object.fromEntries(FIELDS.map((field) => [field, 1])) as Record<string, 1>;

/** Rooms published between two looks at the clock. */
const CHECK_EVERY = 50;

export type PublishedRoom = Omit<Room, 'e2eReset'>;

/** A room as clients get it. */
export async function publishedRoom(store: Store, room: Room): Promise<PublishedRoom> {
	return publish(room, await isEncryptionShown(store));
}

/** Rooms as clients get them. Yields, as there may be many. */
export async function publishedRooms(store: Store, rooms: readonly Room[]): Promise<PublishedRoom[]> {
	const isOn = await isEncryptionShown(store);
	const published: PublishedRoom[] = [];
	const yielding = createYielder(CHECK_EVERY);
	for (const room of rooms) {
		await yielding();
		published.push(publish(room, isOn));
	}
	return published;
}

function publish(room: Room, isOn: boolean): PublishedRoom {
	const named = Object.entries(room).filter(([field]) => Object.hasOwn(PUBLISHED, field));
	return shownRoom(Object.fromEntries(named) as unknown as Room, isOn);
}
