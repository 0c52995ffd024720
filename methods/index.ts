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
import { acceptSuggestedGroupKey } from './e2e/acceptSuggestedGroupKey.js';
import { fetchUsersWaitingForGroupKey } from './e2e/fetchUsersWaitingForGroupKey.js';
import { getUsersOfRoomWithoutKey } from './e2e/getUsersOfRoomWithoutKey.js';
import { provideUsersSuggestedGroupKeys } from './e2e/provideUsersSuggestedGroupKeys.js';
import { rejectSuggestedGroupKey } from './e2e/rejectSuggestedGroupKey.js';
import { requestSubscriptionKeys } from './e2e/requestSubscriptionKeys.js';
import { setOrGetRoomKeyID } from './e2e/setOrGetRoomKeyID.js';
import { setRoomKeyID } from './e2e/setRoomKeyID.js';
import { updateGroupKey } from './e2e/updateGroupKey.js';
import { chatSendMessage, sendMessage } from './messages.js';
import { roomMethods } from './rooms/index.js';
import { settingMethods } from './settings/methods.js';
import { notifyRoom } from './streams/notifyRoom.js';
import { notifyRoomUsers, writeNotifyRoomUsers } from './streams/notifyRoomUsers.js';
import { notifyUser } from './streams/notifyUser.js';
import { roomData } from './streams/roomData.js';
import { userMethods } from './users/index.js';

export const methods: readonly Method[] = [
	acceptSuggestedGroupKey,
	changePassword,
	chatSendMessage,
	createUser,
	fetchUsersWaitingForGroupKey,
	getNewToken,
	getUsersOfRoomWithoutKey,
	login,
	logout,
	me,
	provideUsersSuggestedGroupKeys,
	rejectSuggestedGroupKey,
	removeOtherTokens,
	requestSubscriptionKeys,
	sendMessage,
	setOrGetRoomKeyID,
	...roomMethods,
	setRoomKeyID,
	updateGroupKey,
	writeNotifyRoomUsers,
	...userMethods,
	...settingMethods,
	...permissionMethods,
];

export const publications: readonly Publication[] = [ownUser, loginServiceConfiguration, clientVersions];

export const streams: readonly Stream[] = [notifyUser, notifyRoom, notifyRoomUsers, roomData];
