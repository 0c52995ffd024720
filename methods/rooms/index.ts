/** The methods for rooms and their members. */
import type { Method } from '../../shared/method.js';
import { createMethods } from './create.js';
import { deleteDirectRoomMethods, deleteMethods } from './delete.js';
import { kickMethods, leaveMethods } from './depart.js';
import { createDirectMessage, createDirectRoomMethods } from './direct.js';
import { infoMethods, roomInfo } from './info.js';
import { inviteMethods, joinChannel } from './invite.js';
import { listChannels, listGroups, listJoinedChannels } from './list.js';
import { memberMethods } from './listMembers.js';
import { getRoomIdByNameOrId, getRoomNameById } from './names.js';
import { saveRoomSettings, saveRoomSettingsByObject, setEncrypted } from './settings.js';
import { onePlace, placesOverDdp, placesOverRest, roomsOverDdp, roomsOverRest } from './sync.js';

export const roomMethods: readonly Method[] = [
	...createMethods,
	...createDirectRoomMethods,
	createDirectMessage,
	...inviteMethods,
	joinChannel,
	...leaveMethods,
	...kickMethods,
	...deleteMethods,
	...deleteDirectRoomMethods,
	...infoMethods,
	...memberMethods,
	roomInfo,
	listChannels,
	listJoinedChannels,
	listGroups,
	getRoomIdByNameOrId,
	getRoomNameById,
	saveRoomSettings,
	saveRoomSettingsByObject,
	setEncrypted,
	roomsOverRest,
	roomsOverDdp,
	placesOverRest,
	placesOverDdp,
	onePlace,
];
