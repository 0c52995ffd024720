/** `e2e.provideUsersSuggestedGroupKeys` (`test/contract/rocketchat-e2e.md` 5.4): offers keys to many members of many rooms. */
import type { OldRoomKey, Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { maySeeRoom } from '../rooms/access.js';
import { MEMBER } from '../rooms/members.js';
import { setting } from '../settings/workspace.js';
import { type KeyedRoom, keyedRoom, requireValidKeyId, wasReset } from './keyId.js';
import { KEY_CALLS } from './limits.js';
import { findPlace, MAX_OLD_KEYS, tellMember } from './memberKeys.js';
import { holdsKey, offer, withdraw } from './offers.js';
import { endLeases } from './providerReservation.js';
import { leaveQueue } from './queue.js';
import { requireKey, requireKeyId } from './sealedKey.js';

const MAX_ROOMS = 500;
const MAX_KEYS_PER_ROOM = 100;
const MAX_KEYS = 1000;

/** A moment as clients send it: EJSON's date over DDP, ISO text or epoch ms over REST. */
const Moment = Match.Where(
	(value): value is Date | string | number =>
		(value instanceof Date || typeof value === 'string' || typeof value === 'number') &&
		!Number.isNaN(new Date(value).getTime()),
);

const Offers = Match.ObjectWithValues([
	{
		_id: String,
		key: String,
		oldKeys: Match.Optional([{ e2eKeyId: String, ts: Moment, E2EKey: String }]),
	},
]);

interface Offer {
	readonly _id: string;
	readonly key: string;
	readonly oldKeys?: { readonly e2eKeyId: string; readonly ts: Date | string | number; readonly E2EKey: string }[];
}

function requireFewEnough(all: readonly (readonly Offer[])[], methodName: string): void {
	const keys = all.reduce((sum, offers) => sum + offers.length, 0);
	if (all.length > MAX_ROOMS || keys > MAX_KEYS || all.some((offers) => offers.length > MAX_KEYS_PER_ROOM)) {
		throw clientError('tooManyKeys', { method: methodName });
	}
}

function requireValid({ key, oldKeys = [] }: Offer, methodName: string): void {
	requireKey(key, methodName);
	for (const { e2eKeyId, E2EKey } of oldKeys) {
		requireValidKeyId(e2eKeyId, methodName);
		requireKey(E2EKey, methodName);
	}
}

/** Former keys as they are stored: as many as a member keeps, with dates. */
function asStored(oldKeys: Offer['oldKeys']): OldRoomKey[] | undefined {
	return oldKeys?.slice(0, MAX_OLD_KEYS).map(({ e2eKeyId, ts, E2EKey }) => ({ e2eKeyId, ts: new Date(ts), E2EKey }));
}

/** The places of those who are offered a key, by user; those who are no members have none. */
async function placesOf({ store }: MethodContext, rid: string, offers: readonly Offer[]) {
	const uids = offers.map(({ _id }) => _id);
	const places = await store.subscriptions.find({ rid, 'u._id': { $in: uids }, ...MEMBER }).toArray();
	return new Map(places.map((place) => [place.u._id, place]));
}

/**
 * Offers keys to members of one room, and tells them and the room where something has come of it.
 * @returns whether the keys were still those of the room; if not, all offers were taken back
 */
async function provide(context: MethodContext, room: KeyedRoom, offers: readonly Offer[]): Promise<boolean> {
	const { store, events, userId } = context;
	const rid = room._id;
	const places = await placesOf(context, rid, offers);
	const served = new Set<string>();
	const written: Subscription[] = [];
	for (const { _id, key, oldKeys } of offers) {
		const place = places.get(_id);
		if (!place || _id === userId) continue;
		if (holdsKey(place, room)) served.add(_id);
		const after = await offer(context, place, room, key, asStored(oldKeys));
		if (after) written.push(after);
	}
	if (written.length > 0) {
		const now = await keyedRoom(store, rid);
		if (written.some(({ E2ESuggestedKey }) => wasReset(room, now, E2ESuggestedKey as string))) {
			for (const place of written) await withdraw(context, place);
			return false;
		}
	}
	for (const place of written) {
		served.add(place.u._id);
		tellMember(context, place);
	}
	endLeases(store, rid, [...served]);
	const queueChanged = served.size > 0 && (await leaveQueue(context, rid, [...served]));
	// Whoever is not in the queue, for it holds only so many, waits all the same: the room must hear that they are served.
	const document = written.length > 0 && !queueChanged && (await store.rooms.findOne({ _id: rid }));
	if (document) events.emit('changed', { collection: 'rooms', action: 'updated', document });
	return true;
}

export const provideUsersSuggestedGroupKeys = method({
	name: 'e2e.provideUsersSuggestedGroupKeys',
	args: { usersSuggestedGroupKeys: Offers },
	rest: 'POST',
	limit: KEY_CALLS,
	summary: 'Offers the keys of rooms to members who wait for them',
	async run({ usersSuggestedGroupKeys }, context) {
		const { name, userId, store } = context;
		if (!(await setting(store, 'E2E_Enable'))) return;
		const all = Object.entries(usersSuggestedGroupKeys);
		requireFewEnough(Object.values(usersSuggestedGroupKeys), name);
		for (const [, offers] of all) for (const given of offers) requireValid(given, name);

		// All is looked at before anything is written: a call that is refused has done nothing.
		const accessible: [room: KeyedRoom, offers: Offer[]][] = [];
		for (const [rid, offers] of all) {
			if (!(await maySeeRoom(store, rid, userId)) || !(await findPlace(store, rid, userId))) continue;
			const room = await keyedRoom(store, rid);
			if (!room) continue;
			for (const { key } of offers) requireKeyId(key.trim(), room.e2eKeyId, name);
			accessible.push([room, offers]);
		}
		let current = true;
		for (const [room, offers] of accessible) current = (await provide(context, room, offers)) && current;
		if (!current) throw clientError('keyIdMismatch', { method: name });
	},
});
