/** `rooms.saveRoomSettings`, `saveRoomSettings`, `groups.setEncrypted`: change the settings of a room. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match, shownAs } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import { LONG_WORK_MS, WRITES } from '../limits.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { RoomAnswer } from '../model/answers.js';
import { switchEncryption } from '../model/lifecycle/roomEncryption.js';
import { hasRoomPermission } from '../model/memberships/roomPermission.js';
import { requireRoomAccess } from '../model/rooms/access.js';
import {
	findCaller,
	findRoom,
	GROUPS,
	ROOM_ARGS,
	ROOM_ARGS_ERRORS,
	RoomText,
	roomAnswer,
} from '../model/rooms/findRoom.js';
import { renameRoom, requireRoomName } from '../model/rooms/rename.js';

/** The settings that Roomkey can change. */
const SETTINGS = {
	encrypted: Match.Optional(Boolean),
	roomName: Match.Optional(String),
	roomTopic: Match.Optional(RoomText),
	roomDescription: Match.Optional(RoomText),
	roomAnnouncement: Match.Optional(RoomText),
	readOnly: Match.Optional(Boolean),
} as const;

/** Settings that are only stored, with their fields. */
const FIELD_BY_SETTING = {
	roomTopic: 'topic',
	roomDescription: 'description',
	roomAnnouncement: 'announcement',
	readOnly: 'ro',
} as const;

/** The error codes of `saveSettings`. */
const ERRORS = [
	'error-invalid-room',
	'error-action-not-allowed',
	'error-invalid-room-name',
	'error-duplicate-channel-name',
	'error-encrypted-private-rooms-enforced',
] as const;

type RoomSettings = {
	[K in keyof typeof SETTINGS]?: (K extends 'encrypted' | 'readOnly' ? boolean : string) | undefined;
};

function changedFields(room: Room, settings: RoomSettings): Partial<Room> {
	const changed: Record<string, unknown> = {};
	for (const [name, field] of Object.entries(FIELD_BY_SETTING)) {
		const value = settings[name as keyof typeof FIELD_BY_SETTING];
		const stored = room[field] ?? (field === 'ro' ? false : '');
		if (value !== undefined && value !== stored) changed[field] = value;
	}
	return changed;
}

/**
 * Changes the given settings. All but `encrypted` need the permission `edit-room`. Only channels and groups can be
 * renamed.
 * @throws ClientError `error-invalid-room` if the caller may not see the room; `error-action-not-allowed`; the errors
 * of `requireRoomName`, `renameRoom` and `switchEncryption`
 */
async function saveSettings(
	context: UserContext,
	rid: string,
	{ encrypted, roomName, ...settings }: RoomSettings,
): Promise<{ rid: string }> {
	const { store, userId } = context;
	const room = await requireRoomAccess(store, rid, userId);
	const caller = await findCaller(context);
	const fields = changedFields(room, settings);
	const hasChangedFields = Object.keys(fields).length > 0;
	// After these checks, only `switchEncryption` and `renameRoom` can refuse the call.
	const needsEditPermission = hasChangedFields || roomName !== undefined;
	if (needsEditPermission && !(await hasRoomPermission(store, caller, 'edit-room', rid)))
		throw clientError('editingNotAllowed', { action: 'Editing_room' });
	if (roomName !== undefined) {
		if (room.t !== 'c' && room.t !== 'p') throw clientError('editingNotAllowed', { action: 'Editing_room' });
		requireRoomName(roomName);
	}
	if (encrypted !== undefined && encrypted !== (room.encrypted ?? false))
		await switchEncryption(context, room, caller, encrypted);
	if (roomName !== undefined) await renameRoom(context, rid, roomName);
	if (hasChangedFields) await store.rooms.updateOne({ _id: rid }, { $set: fields });
	return { rid };
}

export const saveRoomSettings = method({
	name: 'rooms.saveRoomSettings',
	args: { rid: String, ...SETTINGS },
	...WRITE_DEFAULTS,
	rest: { verb: 'POST', path: 'rooms.saveRoomSettings', unknownField: 'invalidRoomSettings' },
	timeout: LONG_WORK_MS,
	summary: 'Switches the encryption of a room on or off; sets name, topic, description, announcement or read-only',
	returns: { rid: String },
	errors: ERRORS,
	run: ({ rid, ...settings }, context) => saveSettings(context, rid, settings),
});

/** Matches the same values as `SETTINGS`. After `Match.test`, TypeScript knows that the value is `RoomSettings`. */
const SettingsObject = Match.Where((value): value is RoomSettings => Match.test(value, SETTINGS), 'settings of a room');

/** The form of Rocket.Chat's clients over DDP: (rid, settings), or (rid, name of a setting, value). */
export const saveRoomSettingsByObject = method({
	name: 'saveRoomSettings',
	args: {
		rid: String,
		settings: shownAs(Match.OneOf(String, Object), Match.OneOf(String, SETTINGS)),
		value: Match.Any,
	},
	limit: WRITES,
	timeout: LONG_WORK_MS,
	summary: 'The same as rooms.saveRoomSettings, with the settings in an object, or with the name and value of one',
	returns: { rid: String },
	errors: ['error-invalid-settings', ...ERRORS],
	run({ rid, settings, value }, context) {
		const changes = typeof settings === 'string' ? { [settings]: value } : settings;
		if (!Match.test(changes, SettingsObject)) throw clientError('invalidRoomSettings');
		return saveSettings(context, rid, changes);
	},
});

export const setEncrypted = method({
	name: 'groups.setEncrypted',
	// Any value is accepted here, because `run` answers other types with Rocket.Chat's own error.
	args: { ...ROOM_ARGS, encrypted: shownAs(Match.Any, Boolean) },
	...WRITE_DEFAULTS,
	timeout: LONG_WORK_MS,
	summary: 'Switches the encryption of a group on or off',
	returns: { group: RoomAnswer },
	errors: [
		...ROOM_ARGS_ERRORS,
		'The bodyParam "encrypted" is required',
		'error-invalid-room',
		'error-action-not-allowed',
		'error-encrypted-private-rooms-enforced',
	],
	async run({ encrypted, ...roomArgs }, context) {
		if (typeof encrypted !== 'boolean') throw clientError('encryptedMissing');
		const room = await findRoom(context, roomArgs, GROUPS);
		await saveSettings(context, room._id, { encrypted });
		return roomAnswer(context.store, GROUPS, room._id);
	},
});
