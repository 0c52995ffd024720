/** The methods for rooms and their members. */
import type { Method } from '../../shared/method.js';
import { createMethods } from './create.js';
import { deleteDirectRoom, deleteMethods } from './delete.js';
import { kickMethods, leaveMethods } from './depart.js';
import { createDirectRoom } from './direct.js';
import { infoMethods, memberMethods, roomInfo } from './info.js';
import { inviteMethods, joinChannel } from './invite.js';
import { saveRoomSettings, saveRoomSettingsByObject, setEncrypted } from './settings.js';
import { onePlace, placesOverDdp, placesOverRest, roomsOverDdp, roomsOverRest } from './sync.js';

export const roomMethods: readonly Method[] = [
	...createMethods,
	createDirectRoom,
	...inviteMethods,
	joinChannel,
	...leaveMethods,
	...kickMethods,
	...deleteMethods,
	deleteDirectRoom,
	...infoMethods,
	...memberMethods,
	roomInfo,
	saveRoomSettings,
	saveRoomSettingsByObject,
	setEncrypted,
	roomsOverRest,
	roomsOverDdp,
	placesOverRest,
	placesOverDdp,
	onePlace,
];
