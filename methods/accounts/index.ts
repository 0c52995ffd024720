/** Methods to log in and out, and to manage the caller's own account. Each export is a method, or several. */
export { changePassword } from './changePassword.js';
export { createUser } from './createUser.js';
export { getNewToken } from './getNewToken.js';
export { login } from './login.js';
export { logout } from './logout.js';
export { logoutOtherClients, logoutOtherClientsOverRest } from './logoutOtherClients.js';
export { me } from './me.js';
export { removeOtherTokens, removeOtherTokensOverRest } from './removeOtherTokens.js';
