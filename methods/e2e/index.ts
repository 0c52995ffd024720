/** The methods for identity keys and room keys. Each export is a method. */
export { acceptSuggestedGroupKey } from './acceptSuggestedGroupKey.js';
export { fetchMyKeys } from './fetchMyKeys.js';
export { fetchUsersWaitingForGroupKey } from './fetchUsersWaitingForGroupKey.js';
export { getUsersOfRoomWithoutKey } from './getUsersOfRoomWithoutKey.js';
export { keyHistory } from './keyHistory.js';
export { provideUsersSuggestedGroupKeys } from './provideUsersSuggestedGroupKeys.js';
export { rejectSuggestedGroupKey } from './rejectSuggestedGroupKey.js';
export { requestSubscriptionKeys } from './requestSubscriptionKeys.js';
export { resetOwnE2EKey } from './resetOwnE2EKey.js';
export { resetRoomKey } from './resetRoomKey.js';
export { resetUserE2EKey } from './resetUserE2EKey.js';
export { returnRoomKey } from './returnRoomKey.js';
export { roomState } from './roomState.js';
export { setOrGetRoomKeyID } from './setOrGetRoomKeyID.js';
export { setRoomKeyID } from './setRoomKeyID.js';
export { setUserPublicAndPrivateKeys } from './setUserPublicAndPrivateKeys.js';
export { updateGroupKey } from './updateGroupKey.js';
