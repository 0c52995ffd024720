/** `channels.create`, `groups.create`: a room with a name, and its first members. */
import type { Room, Subscription, User } from '../../shared/documents.js';
import { clientError, isClientSafe } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { isDuplicateKey } from '../../shared/store.js';
import { enqueueKeyless } from '../e2e/queue.js';
import { WRITES } from '../limits.js';
import { hasPermission } from '../permissions.js';
import { Storable } from '../storable.js';
import { findCaller, forBoth, type Kind, RoomText, roomAnswer } from './kinds.js';
import { givePlace, refOf } from './memberships.js';
import { removePlacesOfNoRoom } from './remove.js';
import { requireRoomName } from './rename.js';
import { encryptionOfNew } from './roomEncryption.js';
import { isEncryptionShown } from './shown.js';

/** After that, in ms, a room without any place is one whose making was broken off: no call takes so long. */
const MAKING = 60_000;

/** Users looked up in one query. */
const BATCH = 200;

type Context = Pick<MethodContext, 'store' | 'events' | 'name'>;

/** The users of these names; names that nobody has are passed over, as Rocket.Chat does. */
async function findUsers({ store }: Context, names: readonly string[]): Promise<User[]> {
	const users: User[] = [];
	const wanted = [...new Set(names)];
	for (let i = 0; i < wanted.length; i += BATCH) {
		const among = { username: { $in: wanted.slice(i, i + BATCH) }, active: { $ne: false } };
		users.push(...(await store.users.find(among, { projection: { username: 1, name: 1 } }).toArray()));
	}
	return users;
}

/** Stores a room; false where its name is taken. */
async function insertIfFree({ store }: Context, room: Room): Promise<boolean> {
	try {
		await store.rooms.insertOne(room);
		return true;
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		return false;
	}
}

/** Removes the room of that name if its maker left it without a single place, as the making was broken off. */
async function clearBroken({ store }: Context, { name, t, u }: Room): Promise<void> {
	const broken = await store.rooms.findOne({ name: name as string, t, 'u._id': u?._id as string });
	if (!broken?.ts || broken.ts.getTime() > Date.now() - MAKING) return;
	if (await store.subscriptions.findOne({ rid: broken._id }, { projection: { _id: 1 } })) return;
	await store.rooms.deleteOne({ _id: broken._id });
}

/**
 * Stores a new room; of several who come with one name, one succeeds.
 * @throws ClientError `error-duplicate-channel-name`
 */
async function insertRoom(context: Context, room: Room): Promise<void> {
	if (await insertIfFree(context, room)) return;
	await clearBroken(context, room);
	if (!(await insertIfFree(context, room))) throw clientError('duplicateRoomName', { method: context.name });
}

/**
 * Makes a room of a room document: gives the members their places, tells them once all is there, and queues those whom
 * the key can be sealed for, if it is encrypted.
 * @param ofCreator fields of the place of the one who makes it
 */
async function fillRoom(
	context: Context,
	room: Room,
	creator: User,
	members: readonly User[],
	ofCreator: Partial<Subscription>,
): Promise<void> {
	const { store, events, name } = context;
	await givePlace(context, room, creator, ofCreator);
	let gone = 0;
	for (const member of members) {
		try {
			await givePlace(context, room, member);
		} catch (error) {
			// Their account was deleted meanwhile.
			if (!isClientSafe(error)) throw error;
			gone++;
		}
	}
	if (gone > 0) await store.rooms.updateOne({ _id: room._id }, { $inc: { usersCount: -gone } });
	const now = await store.rooms.findOne({ _id: room._id });
	if (!now) {
		await removePlacesOfNoRoom(context, room._id);
		throw clientError('roomNotFound', { method: name });
	}
	events.emit('changed', { collection: 'rooms', action: 'inserted', document: now });
	if (room.encrypted && (await isEncryptionShown(store))) await enqueueKeyless(context, room._id);
}

const EXTRA = Match.Optional(
	Match.ObjectIncluding({
		encrypted: Match.Optional(Boolean),
		topic: Match.Optional(RoomText),
		description: Match.Optional(RoomText),
		broadcast: Match.Optional(Boolean),
	}),
);

/** `POST channels.create`, `groups.create`: {name, members?: usernames, readOnly?, customFields?, extraData?}. */
export const createMethods = forBoth((kind: Kind) =>
	method({
		name: `${kind.plural}.create`,
		args: {
			name: String,
			members: Match.Optional([String]),
			readOnly: Match.Optional(Boolean),
			customFields: Match.Optional(Storable),
			extraData: EXTRA,
		},
		rest: 'POST',
		once: true,
		limit: WRITES,
		summary: `Makes a ${kind.single} with the caller as its owner`,
		async run({ name: roomName, members = [], readOnly = false, customFields, extraData = {} }, context) {
			const { store, name } = context;
			const caller = await findCaller(context);
			if (!(await hasPermission(store, caller, `create-${kind.t}`)))
				throw clientError('actionNotAllowed', { method: name });
			// Roomkey does neither, and whoever asks for it must not get an ordinary room instead.
			if (extraData.teamId || extraData.federated) throw clientError('actionNotAllowed', { method: name });
			requireRoomName(roomName, name);
			const encrypted = await encryptionOfNew(store, kind.t, extraData.encrypted, name);
			const { topic, description } = extraData;
			const others = (await findUsers(context, members)).filter(({ _id }) => _id !== caller._id);
			const room: Room = {
				_id: randomId(),
				t: kind.t,
				name: roomName,
				fname: roomName,
				u: refOf(caller),
				msgs: 0,
				usersCount: others.length + 1,
				ts: new Date(),
				ro: readOnly,
				default: false,
				sysMes: true,
				...(encrypted !== undefined && { encrypted }),
				...(customFields && { customFields }),
				...(topic !== undefined && { topic }),
				...(description !== undefined && { description }),
				...(extraData.broadcast !== undefined && { broadcast: extraData.broadcast }),
			};
			await insertRoom(context, room);
			await fillRoom(context, room, caller, others, { roles: ['owner'] });
			return roomAnswer(context, kind, room._id);
		},
	}),
);
