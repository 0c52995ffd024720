/** The methods for users. */
import type { Method } from '../../shared/method.js';
import { createUserByAdmin } from './create.js';
import { deleteUser } from './delete.js';
import { userInfo } from './info.js';
import { listUsers } from './list.js';
import { resetE2EKey } from './resetE2EKey.js';
import { setActiveStatus } from './setActiveStatus.js';
import { updateUser } from './update.js';
import { updateOwnBasicInfo } from './updateOwnBasicInfo.js';

export const userMethods: readonly Method[] = [
	createUserByAdmin,
	deleteUser,
	listUsers,
	resetE2EKey,
	setActiveStatus,
	updateOwnBasicInfo,
	updateUser,
	userInfo,
];
