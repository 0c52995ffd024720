/** The methods for rooms and their members. */
export { adminRoom, adminRoomMembers, adminRooms } from './adminRooms.js';
export { createMethods } from './create.js';
export { deleteDirectRoomMethods, deleteMethods } from './delete.js';
export { createDirectMessage, createDirectRoomMethods } from './directRoom.js';
export { getRooms, getSubscriptions, oneSubscription } from './get.js';
export { infoMethods, roomInfo } from './info.js';
export { inviteMethods, joinChannel } from './invite.js';
export { kickMethods, leaveMethods } from './leave.js';
export { listChannels, listGroups, listJoinedChannels } from './list.js';
export { memberMethods } from './listMembers.js';
export { getRoomIdByNameOrId, getRoomNameById } from './names.js';
export { saveRoomSettings, saveRoomSettingsByObject, setEncrypted } from './saveRoomSettings.js';
