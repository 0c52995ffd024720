/** `channels.create`, `groups.create`: a room with a name, and its first members. */
import type { Room, Subscription, User } from '../../shared/documents.js';
import { isClientSafe, refusal } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { isDuplicateKey } from '../../shared/store.js';
import { Storable } from '../accounts/storable.js';
import { enqueueKeyless } from '../e2e/queue.js';
import { hasPermission } from '../permissions.js';
import { findCaller, forBoth, type Kind, roomAnswer } from './kinds.js';
import { givePlace, refOf } from './places.js';
import { removePlacesOfNoRoom } from './remove.js';
import { isEncryptionShown } from './shown.js';
import { encryptionOfNew } from './toggle.js';

/** Rocket.Chat's rule, and a length: names stand in addresses. */
const NAME = /^[\w.-]{1,120}$/;

/** After that, in ms, a room without any place is one whose making was broken off: no call takes so long. */
const MAKING = 60_000;

/** Users looked up in one query. */
const BATCH = 200;

type Context = Pick<MethodContext, 'store' | 'events' | 'name'>;

/** @throws ClientError `error-invalid-room-name` */
export function demandRoomName(roomName: string, methodName: string): void {
	if (!NAME.test(roomName)) throw refusal('invalidRoomName', { method: methodName });
}

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

/**
 * Stores a new room; of several who come with one name, one succeeds. A room that its maker left behind without a single
 * place, as the making was broken off, is taken for the new one.
 * @throws ClientError `error-duplicate-channel-name`
 */
async function insertRoom({ store, name }: Context, room: Room): Promise<Room> {
	try {
		await store.rooms.insertOne(room);
		return room;
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
	}
	const taken = refusal('duplicateRoomName', { method: name });
	const there = await store.rooms.findOne({ name: room.name as string });
	if (!there?.ts || there.t !== room.t || there.u?._id !== room.u?._id) throw taken;
	if (there.ts.getTime() > Date.now() - MAKING) throw taken;
	if (await store.subscriptions.findOne({ rid: there._id }, { projection: { _id: 1 } })) throw taken;
	const { _id, ...fields } = room;
	// The time makes this its maker's once more: a second one who repeats the call finds it changed.
	const renewed = await store.rooms.findOneAndUpdate(
		{ _id: there._id, ts: there.ts },
		{ $set: fields },
		{ returnDocument: 'after' },
	);
	if (!renewed) throw taken;
	return renewed;
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
		throw refusal('roomNotFound', { method: name });
	}
	events.emit('changed', { collection: 'rooms', action: 'inserted', document: now });
	if (room.encrypted && (await isEncryptionShown(store))) await enqueueKeyless(context, room._id);
}

const EXTRA = Match.Optional(
	Match.ObjectIncluding({
		encrypted: Match.Optional(Boolean),
		topic: Match.Optional(String),
		description: Match.Optional(String),
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
		summary: `Makes a ${kind.single} with the caller as its owner`,
		async run({ name: roomName, members = [], readOnly = false, customFields, extraData = {} }, context) {
			const { store, name } = context;
			const caller = await findCaller(context);
			if (!(await hasPermission(store, caller, `create-${kind.t}`)))
				throw refusal('actionNotAllowed', { method: name });
			// Roomkey does neither, and whoever asks for it must not get an ordinary room instead.
			if (extraData.teamId || extraData.federated) throw refusal('actionNotAllowed', { method: name });
			demandRoomName(roomName, name);
			const encrypted = await encryptionOfNew(store, kind.t, extraData.encrypted, name);
			const { topic, description } = extraData;
			const others = (await findUsers(context, members)).filter(({ _id }) => _id !== caller._id);
			const room = await insertRoom(context, {
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
			});
			await fillRoom(context, room, caller, others, { roles: ['owner'] });
			return roomAnswer(context, kind, room._id);
		},
	}),
);
