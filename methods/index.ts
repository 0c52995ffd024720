/** The catalogue: every method, publication and stream a client may use. */
import type { Method } from '../shared/method.js';
import type { Publication } from '../shared/publication.js';
import type { Stream } from '../shared/stream.js';
import { changePassword } from './accounts/changePassword.js';
import { createUser } from './accounts/createUser.js';
import { getNewToken } from './accounts/getNewToken.js';
import { login } from './accounts/login.js';
import { logout } from './accounts/logout.js';
import { me } from './accounts/me.js';
import { ownUser } from './accounts/ownUser.js';
import { removeOtherTokens } from './accounts/removeOtherTokens.js';
import { clientVersions, loginServiceConfiguration } from './accounts/stock.js';
import { permissionMethods } from './authorization/permissions.js';
import { resetRoomKey } from './e2e/resetRoomKey.js';
import { roomState } from './e2e/roomState.js';
import { setRoomKeyID } from './e2e/setRoomKeyID.js';
import { roomMethods } from './rooms/index.js';
import { settingMethods } from './settings/methods.js';
import { notifyAll } from './streams/notifyAll.js';
import { notifyRoom } from './streams/notifyRoom.js';
import { notifyRoomUsers, writeNotifyRoomUsers } from './streams/notifyRoomUsers.js';
import { notifyUser } from './streams/notifyUser.js';
import { roomData } from './streams/roomData.js';
import { userMethods } from './users/index.js';

export const methods: readonly Method[] = [
	changePassword,
	createUser,
	getNewToken,
	login,
	logout,
	me,
	removeOtherTokens,
	resetRoomKey,
	roomState,
	...roomMethods,
	setRoomKeyID,
	writeNotifyRoomUsers,
	...userMethods,
	...settingMethods,
	...permissionMethods,
];

export const publications: readonly Publication[] = [ownUser, loginServiceConfiguration, clientVersions];

export const streams: readonly Stream[] = [notifyAll, notifyRoom, notifyRoomUsers, notifyUser, roomData];
