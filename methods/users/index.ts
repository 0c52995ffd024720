/** The methods for users. */
export { createUserByAdmin } from './create.js';
export { deleteUser } from './delete.js';
export { userInfo } from './info.js';
export { listUsers } from './list.js';
export { resetE2EKey } from './resetE2EKey.js';
export { setActiveStatus } from './setActiveStatus.js';
export { createToken, listTokens, revokeTokens } from './tokens.js';
export { updateUser } from './update.js';
export { updateOwnBasicInfo } from './updateOwnBasicInfo.js';
