/** The catalogue: every method, publication and stream a client may use, and the rate limits. */
import type { RateRule } from '../shared/limit.js';
import type { Method } from '../shared/method.js';
import type { Publication } from '../shared/publication.js';
import type { Stream } from '../shared/stream.js';
import * as accounts from './accounts/index.js';
import { userData } from './accounts/userData.js';
import { permissionMethods } from './authorization/permissions.js';
import * as e2e from './e2e/index.js';
import { messageMethods } from './messages.js';
import * as rooms from './rooms/index.js';
import * as settings from './settings/index.js';
import { notifyAll } from './streams/notifyAll.js';
import { notifyLogged } from './streams/notifyLogged.js';
import { notifyRoom } from './streams/notifyRoom.js';
import { notifyRoomUsers, writeNotifyRoomUsers } from './streams/notifyRoomUsers.js';
import { notifyUser } from './streams/notifyUser.js';
import { activeUsers, userPresence } from './streams/presence.js';
import { roles } from './streams/roles.js';
import { roomData } from './streams/roomData.js';
import { roomMessages } from './streams/roomMessages.js';
import * as users from './users/index.js';

function methodsIn(exports: Readonly<Record<string, Method | readonly Method[]>>): Method[] {
	return Object.values(exports).flat();
}

const keyServiceMethods: readonly Method[] = [
	...[users, rooms, e2e, settings].flatMap(methodsIn),
	...messageMethods,
	...permissionMethods,
	writeNotifyRoomUsers,
];

const keyServicePublications: readonly Publication[] = [userData, activeUsers, userPresence];

export const streams: readonly Stream[] = [
	notifyAll,
	notifyLogged,
	notifyRoom,
	notifyRoomUsers,
	notifyUser,
	roles,
	roomData,
	roomMessages,
];

/**
 * The key service as a part of a server. The publication `userData` is a part of it, because only Rocket.Chat's clients
 * subscribe to it.
 */
export const keyService = { methods: keyServiceMethods, publications: keyServicePublications, streams };

export const methods: readonly Method[] = [...accounts.methods, ...keyServiceMethods];

export const publications: readonly Publication[] = [...accounts.publications, ...keyServicePublications];

/** Rate limit rules in addition to the limits in definitions. */
export const limits: readonly RateRule[] = accounts.limits;
