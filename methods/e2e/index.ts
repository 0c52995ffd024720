/** The methods of the key service. */
import type { Method } from '../../shared/method.js';
import { acceptSuggestedGroupKey } from './acceptSuggestedGroupKey.js';
import { fetchMyKeys } from './fetchMyKeys.js';
import { fetchUsersWaitingForGroupKey } from './fetchUsersWaitingForGroupKey.js';
import { getUsersOfRoomWithoutKey } from './getUsersOfRoomWithoutKey.js';
import { keyHistory } from './keyHistory.js';
import { provideUsersSuggestedGroupKeys } from './provideUsersSuggestedGroupKeys.js';
import { rejectSuggestedGroupKey } from './rejectSuggestedGroupKey.js';
import { requestSubscriptionKeys } from './requestSubscriptionKeys.js';
import { resetOwnE2EKey } from './resetOwnE2EKey.js';
import { resetRoomKey } from './resetRoomKey.js';
import { resetUserE2EKey } from './resetUserE2EKey.js';
import { returnRoomKey } from './returnRoomKey.js';
import { roomState } from './roomState.js';
import { setOrGetRoomKeyID } from './setOrGetRoomKeyID.js';
import { setRoomKeyID } from './setRoomKeyID.js';
import { setUserPublicAndPrivateKeys } from './setUserPublicAndPrivateKeys.js';
import { updateGroupKey } from './updateGroupKey.js';

export const e2eMethods: readonly Method[] = [
	acceptSuggestedGroupKey,
	fetchMyKeys,
	fetchUsersWaitingForGroupKey,
	getUsersOfRoomWithoutKey,
	keyHistory,
	provideUsersSuggestedGroupKeys,
	rejectSuggestedGroupKey,
	requestSubscriptionKeys,
	resetOwnE2EKey,
	resetRoomKey,
	resetUserE2EKey,
	returnRoomKey,
	roomState,
	setOrGetRoomKeyID,
	setRoomKeyID,
	setUserPublicAndPrivateKeys,
	updateGroupKey,
];
