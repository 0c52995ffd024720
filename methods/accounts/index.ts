/** Accounts as a part of a server: methods, publications and rate limits. */
import type { RateRule } from '../../shared/limit.js';
import type { Method } from '../../shared/method.js';
import type { Publication } from '../../shared/publication.js';
import { accountLimits } from '../limits.js';
import { changePassword } from './changePassword.js';
import { createUser } from './createUser.js';
import { getNewToken } from './getNewToken.js';
import { login } from './login.js';
import { logout } from './logout.js';
import { logoutOtherClients, logoutOtherClientsOverRest } from './logoutOtherClients.js';
import { me } from './me.js';
import { clientVersions, loginServiceConfiguration } from './meteorDefaults.js';
import { ownUser } from './ownUser.js';
import { removeOtherTokens, removeOtherTokensOverRest } from './removeOtherTokens.js';

export const methods: readonly Method[] = [
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

export const publications: readonly Publication[] = [ownUser, loginServiceConfiguration, clientVersions];

export const limits: readonly RateRule[] = accountLimits;
