/** The catalogue: every method a client may call. */
import type { Method } from '../shared/method.js';
import { changePassword } from './accounts/changePassword.js';
import { createUser } from './accounts/createUser.js';
import { getNewToken } from './accounts/getNewToken.js';
import { login } from './accounts/login.js';
import { logout } from './accounts/logout.js';
import { me } from './accounts/me.js';
import { removeOtherTokens } from './accounts/removeOtherTokens.js';
import { setRoomKeyID } from './e2e/setRoomKeyID.js';

export const methods: readonly Method[] = [
	changePassword,
	createUser,
	getNewToken,
	login,
	logout,
	me,
	removeOtherTokens,
	setRoomKeyID,
];
