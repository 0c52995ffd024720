/** The catalogue: every method a client may call. */
import type { Method } from '../shared/method.js';
import { login } from './accounts/login.js';
import { logout } from './accounts/logout.js';
import { me } from './accounts/me.js';
import { setRoomKeyID } from './e2e/setRoomKeyID.js';

export const methods: readonly Method[] = [login, logout, me, setRoomKeyID];
