/** The methods for rooms and their members. */
import type { Method } from '../../shared/method.js';
import { createMethods } from './create.js';
import { deleteDirectRoomMethods, deleteMethods } from './delete.js';
import { createDirectMessage, createDirectRoomMethods } from './directRoom.js';
import { oneSubscription, roomsOverDdp, roomsOverRest, subscriptionsOverDdp, subscriptionsOverRest } from './get.js';
import { infoMethods, roomInfo } from './info.js';
import { inviteMethods, joinChannel } from './invite.js';
import { kickMethods, leaveMethods } from './leave.js';
import { listChannels, listGroups, listJoinedChannels } from './list.js';
import { memberMethods } from './listMembers.js';
import { getRoomIdByNameOrId, getRoomNameById } from './names.js';
import { saveRoomSettings, saveRoomSettingsByObject, setEncrypted } from './saveRoomSettings.js';

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
	subscriptionsOverRest,
	subscriptionsOverDdp,
	oneSubscription,
];
