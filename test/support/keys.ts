/** Sealed keys for tests, and what becomes of them. */
import { randomBytes } from 'node:crypto';
import type { Room, Subscription } from '../../shared/documents.js';
import type { Change } from '../../shared/events.js';
import type { Store } from '../../shared/store.js';
import type { Person } from './people.js';
import type { TestRoomkey } from './roomkey.js';

/** Something of the form of a room key that is sealed for a member. No two are alike. */
export function sealed(keyId: string): string {
	return keyId + randomBytes(256).toString('base64');
}

/** Identity keys, as a user has them who can be given a room key. */
export function identity(name = 'somebody') {
	return { e2e: { public_key: `public key of ${name}`, private_key: `private key of ${name}` } };
}

/** The place of a member in a room. */
export async function placeOf(store: Store, rid: string, { id }: Person): Promise<Subscription> {
	const place = await store.subscriptions.findOne({ rid, 'u._id': id });
	if (!place) throw new Error('expected a member');
	return place;
}

/** Ids of those in the queue of a room, in its order; null where it has none. */
export async function queueOf(store: Store, rid: string): Promise<string[] | null> {
	const room = (await store.rooms.findOne({ _id: rid })) as Room;
	return room.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? null;
}

/** What is announced while something runs, in order: `rooms <rid>`, `subscriptions <uid>`, `notify <stream> <name>`. */
export async function announcedBy(roomkey: TestRoomkey, run: () => Promise<unknown>): Promise<string[]> {
	const announced: string[] = [];
	const stops = [
		roomkey.bus.on('changed', ({ collection, document }: Change) => {
			const { u } = document as Partial<Subscription>;
			announced.push(`${collection} ${collection === 'subscriptions' ? u?._id : document._id}`);
		}),
		roomkey.bus.on('notify', ({ stream, eventName, args }) => {
			announced.push(`notify ${stream} ${eventName} ${args.join(' ')}`);
		}),
	];
	try {
		await run();
	} finally {
		for (const stop of stops) stop();
	}
	return announced;
}
