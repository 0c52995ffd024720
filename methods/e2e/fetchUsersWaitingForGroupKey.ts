/** `e2e.fetchUsersWaitingForGroupKey` (`test/contract/rocketchat-e2e.md` 5.3): whom the caller could seal the keys of rooms for. */
import { clientError } from '../../shared/errors.js';
import { type MethodContext, method } from '../../shared/method.js';
import { maySeeRoom } from '../rooms/access.js';
import { setting } from '../settings/workspace.js';
import { type Sealable, usersWithPublicKey } from './identities.js';
import { keyedRoom } from './keyId.js';
import { KEY_CALLS } from './limits.js';
import { findPlace } from './memberKeys.js';
import { holdsKey } from './offers.js';
import { isLeft, lease } from './providerReservation.js';
import { tidyQueue } from './queue.js';
import { EMPTY } from './storedKeys.js';
import { memberPages } from './waiting.js';

/** Most rooms of one call: what a client with very many asks in several. */
const MAX_ROOMS = 500;

/** Most users told of one room. */
const MAX_LISTED = 50;

/** Whether the user holds the key of a room, and so could seal it for others. */
async function canProvide({ store }: MethodContext, rid: string, userId: string): Promise<boolean> {
	const [place, room] = await Promise.all([findPlace(store, rid, userId), keyedRoom(store, rid)]);
	return place !== null && room !== null && holdsKey(place, room);
}

/**
 * Those who wait in one room. They are left to the caller for the lease time, if the caller can provide; who cannot is
 * shown all, and keeps nobody from others.
 */
async function waitingIn(context: MethodContext, rid: string, userId: string): Promise<Sealable[]> {
	const { store, settings } = context;
	const { leaseTime } = settings;
	const leases = leaseTime > 0 && (await canProvide(context, rid, userId));
	const told: Sealable[] = [];
	for await (const page of memberPages(store, rid, EMPTY)) {
		const free = page.filter((id) => id !== userId && !(leases && isLeft(store, rid, id, userId)));
		for (const user of await usersWithPublicKey(store, free)) {
			if (leases && !lease(store, rid, user._id, userId, leaseTime)) continue;
			told.push(user);
			if (told.length === MAX_LISTED) return told;
		}
	}
	return told;
}

export const fetchUsersWaitingForGroupKey = method({
	name: 'e2e.fetchUsersWaitingForGroupKey',
	args: { roomIds: [String] },
	rest: 'GET',
	limit: KEY_CALLS,
	parallel: true,
	summary: 'Members who wait for the keys of these rooms, each left to one caller for a while',
	async run({ roomIds }, context) {
		const { name, userId, store } = context;
		if (roomIds.length > MAX_ROOMS) throw clientError('tooManyRooms', { method: name });
		const waiting: [rid: string, users: Sealable[]][] = [];
		if (await setting(store, 'E2E_Enable')) {
			for (const rid of new Set(roomIds)) {
				if (!(await maySeeRoom(store, rid, userId))) continue;
				await tidyQueue(context, rid);
				const users = await waitingIn(context, rid, userId);
				if (users.length > 0) waiting.push([rid, users]);
			}
		}
		return { usersWaitingForE2EKeys: Object.fromEntries(waiting) };
	},
});
