/** Methods to log in and out, and to manage the caller's own account. */
import type { Method } from '../../shared/method.js';
import { changePassword } from './changePassword.js';
import { createUser } from './createUser.js';
import { getNewToken } from './getNewToken.js';
import { login } from './login.js';
import { logout } from './logout.js';
import { logoutOtherClients, logoutOtherClientsOverRest } from './logoutOtherClients.js';
import { me } from './me.js';
import { removeOtherTokens, removeOtherTokensOverRest } from './removeOtherTokens.js';

export const accountMethods: readonly Method[] = [
	changePassword,
	createUser,
	getNewToken,
	login,
	logout,
	logoutOtherClients,
	logoutOtherClientsOverRest,
	me,
	removeOtherTokens,
	removeOtherTokensOverRest,
];
