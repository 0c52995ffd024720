/** `e2e.provideUsersSuggestedGroupKeys` (`test/contract/rocketchat-e2e.md` 5.4): offers room keys to many members. */
import type { OldRoomKey, Subscription } from '../../shared/documents.js';
import { Match, shownAs } from '../../shared/match.js';
import { type MethodContext, method, type UserContext } from '../../shared/method.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { SkippedAnswer } from '../model/answers.js';
import { inParallel } from '../model/inParallel.js';
import { type OfferRefusal, offerKey, withdraw } from '../model/keys/offers.js';
import { endReservations } from '../model/keys/providerReservation.js';
import { removeServedUsers } from '../model/keys/queue.js';
import { type RoomKeyFields, readRoomKeyFields, wasResetMeanwhile } from '../model/keys/roomKeyId.js';
import { isKeyId, isOfKeyId, isSealedKey } from '../model/keys/sealedKey.js';
import { MAX_OLD_KEYS } from '../model/keys/transitions.js';
import { findMembership, MEMBER } from '../model/memberships/members.js';
import { maySeeRoom } from '../model/rooms/access.js';
import { workspaceSetting } from '../model/settings/workspace.js';

const MAX_ROOMS = 500;
const MAX_ENTRIES = 1000;

/**
 * Maximum size of the body over REST, in bytes. An entry has a key of 356 characters and up to ten former keys of 450.
 * `MAX_ENTRIES` such entries have about 4.9 million characters.
 */
const MAX_BODY = 5 * 1024 * 1024;

/** Maximum number of skipped entries listed in the answer. The others are only counted. */
const MAX_LISTED_SKIPS = 2000;

const CONCURRENT_WRITES = 20;

/** Number of entries that are validated between two checks whether to yield to other calls. */
const CHECK_EVERY = 16;

/** A time as clients send it: EJSON's date over DDP, ISO text or epoch ms over REST. */
const Moment = Match.Where(
	(value): value is Date | string | number => {
		const isSupportedType = value instanceof Date || typeof value === 'string' || typeof value === 'number';
		return isSupportedType && !Number.isNaN(new Date(value).getTime());
	},
	'date, ISO text or ms since 1970',
	{ examples: ['2026-01-31T12:00:00.000Z'] },
);

const Key = Match.Where((value): value is string => isSealedKey(value), 'sealed key', { type: 'string', minLength: 1 });

const Entry = {
	_id: String,
	key: Key,
	oldKeys: Match.Optional([
		{
			e2eKeyId: Match.Where((value): value is string => isKeyId(value), 'key id', { type: 'string', minLength: 1 }),
			ts: Moment,
			E2EKey: Key,
		},
	]),
};

/** An entry of the call: a key for one member. */
interface SentOffer {
	/** The member's user id. */
	readonly _id: string;
	readonly key: string;
	readonly oldKeys?: { readonly e2eKeyId: string; readonly ts: Date | string | number; readonly E2EKey: string }[];
}

type SkipReason =
	| OfferRefusal
	| 'invalid-entry'
	| 'over-limit'
	| 'room-not-accessible'
	| 'key-id-mismatch'
	| 'interrupted';

class Skipped {
	readonly #listed: { rid: string; _id?: string; reason: SkipReason }[] = [];
	#notListed = 0;

	/** @param entry the unvalidated entry: its `_id` may be anything */
	add(rid: string, entry: unknown, reason: SkipReason): void {
		if (this.#listed.length === MAX_LISTED_SKIPS) {
			this.#notListed++;
			return;
		}
		const _id = (entry as { _id?: unknown } | null | undefined)?._id;
		this.#listed.push({ rid, ...(typeof _id === 'string' && { _id }), reason });
	}

	/** Undefined if nothing was skipped, as in Rocket.Chat. */
	get answer() {
		if (this.#listed.length === 0) return undefined;
		return { skipped: this.#listed, ...(this.#notListed > 0 && { moreSkipped: this.#notListed }) };
	}
}

function toStoredKeys(oldKeys: SentOffer['oldKeys']): OldRoomKey[] | undefined {
	return oldKeys?.slice(0, MAX_OLD_KEYS).map(({ e2eKeyId, ts, E2EKey }) => ({ e2eKeyId, ts: new Date(ts), E2EKey }));
}

async function validEntries(
	sent: Readonly<Record<string, unknown>>,
	skipped: Skipped,
): Promise<Map<string, SentOffer[]>> {
	const byRoom = new Map<string, SentOffer[]>();
	const pause = createYielder(CHECK_EVERY);
	let entries = 0;
	for (const [rid, list] of Object.entries(sent)) {
		const offers = new Map<string, SentOffer>();
		const isOverLimit = byRoom.size >= MAX_ROOMS;
		for (const entry of Array.isArray(list) ? list : [list]) {
			await pause();
			if (isOverLimit || entries >= MAX_ENTRIES) skipped.add(rid, entry, 'over-limit');
			else if (!Match.test(entry, Entry)) skipped.add(rid, entry, 'invalid-entry');
			else if (offers.has(entry._id)) skipped.add(rid, entry, 'already-offered');
			else {
				offers.set(entry._id, entry as SentOffer);
				entries++;
			}
		}
		if (offers.size > 0) byRoom.set(rid, [...offers.values()]);
	}
	return byRoom;
}

async function membershipsByUser({ store }: MethodContext, rid: string, offers: readonly SentOffer[]) {
	const uids = offers.map(({ _id }) => _id);
	const memberships = await store.subscriptions.find({ rid, 'u._id': { $in: uids }, ...MEMBER }).toArray();
	return new Map(memberships.map((membership) => [membership.u._id, membership]));
}

/** The room, if the caller is a member and may see it; else null. */
async function findOfferableRoom({ store }: MethodContext, rid: string, userId: string): Promise<RoomKeyFields | null> {
	if (!(await maySeeRoom(store, rid, userId)) || !(await findMembership(store, rid, userId))) return null;
	return readRoomKeyFields(store, rid);
}

/** Offers keys to members of one room. Notifies the members whose offer was stored, and then the room. */
async function provide(
	context: UserContext,
	room: RoomKeyFields,
	offers: readonly SentOffer[],
	skipped: Skipped,
): Promise<void> {
	const { store, userId, signal } = context;
	const rid = room._id;
	/** Ids of the members who already held the key, or whose offer was stored now. They leave the queue. */
	const served: string[] = [];
	/** Memberships with a new offer. */
	const written: Subscription[] = [];
	const pause = createYielder();

	async function offerTo(entry: SentOffer, membership: Subscription | undefined): Promise<void> {
		const newOffer = { key: entry.key, by: userId, oldKeys: toStoredKeys(entry.oldKeys) };
		const outcome = membership ? await offerKey(store, membership, room, newOffer) : 'not-a-member';
		if (typeof outcome !== 'string') written.push(outcome);
		else {
			if (outcome === 'already-holds-key') served.push(entry._id);
			skipped.add(rid, entry, outcome);
		}
	}

	for (let i = 0; i < offers.length; i += CONCURRENT_WRITES) {
		const batch = offers.slice(i, i + CONCURRENT_WRITES);
		if (signal.aborted) {
			for (const entry of offers.slice(i)) skipped.add(rid, entry, 'interrupted');
			break;
		}
		const memberships = await membershipsByUser(context, rid, batch);
		await inParallel(batch, (entry) => offerTo(entry, memberships.get(entry._id)), undefined, pause);
	}
	// If the room's key was reset since the room was read, all new offers are withdrawn.
	const roomNow = written.length > 0 ? await readRoomKeyFields(store, rid) : null;
	if (written.some(({ E2ESuggestedKey }) => wasResetMeanwhile(room.e2eKeyId, roomNow, E2ESuggestedKey as string))) {
		for (const membership of written.splice(0)) {
			await withdraw(store, membership);
			skipped.add(rid, { _id: membership.u._id }, 'key-id-mismatch');
		}
	}
	for (const { u } of written) served.push(u._id);
	await endReservations(store, rid, served);
	const queueChanged = served.length > 0 && (await removeServedUsers(store, rid, served));
	if (written.length === 0 || queueChanged) return;
	// Members above the limit of the queue wait outside the queue. Offers to them do not change it, and have not notified
	// the room yet.
	const fullRoom = await store.rooms.findOne({ _id: rid });
	if (fullRoom) await store.rooms.announce('updated', fullRoom);
}

export const provideUsersSuggestedGroupKeys = method({
	name: 'e2e.provideUsersSuggestedGroupKeys',
	args: {
		/**
		 * By room id: a list of `{_id, key, oldKeys?}`. The pattern accepts any value for a room, because `run` skips
		 * invalid entries one by one.
		 */
		usersSuggestedGroupKeys: shownAs(
			Match.ObjectWithValues(Match.Any),
			Match.ObjectWithValues(Match.OneOf([Entry], Match.Any)),
		),
	},
	...KEY_WRITE_DEFAULTS,
	rest: { verb: 'POST', path: 'e2e.provideUsersSuggestedGroupKeys', maxBody: MAX_BODY },
	summary: 'Offers room keys to members who wait for them; lists the entries that were skipped',
	returns: SkippedAnswer,
	errors: [],
	async run({ usersSuggestedGroupKeys }, context) {
		const { userId, store, settings } = context;
		if (!(await workspaceSetting(store, 'E2E_Enable'))) return undefined;
		const skipped = new Skipped();
		for (const [rid, offers] of await validEntries(usersSuggestedGroupKeys, skipped)) {
			const room = await findOfferableRoom(context, rid, userId);
			if (!room) {
				for (const entry of offers) skipped.add(rid, entry, 'room-not-accessible');
				continue;
			}
			// Trimmed, because accepting an offer trims its key.
			const isAllowed = ({ key }: SentOffer) => !settings.strictKeyIds || isOfKeyId(key.trim(), room.e2eKeyId);
			for (const entry of offers) if (!isAllowed(entry)) skipped.add(rid, entry, 'key-id-mismatch');
			await provide(context, room, offers.filter(isAllowed), skipped);
		}
		return skipped.answer;
	},
});
