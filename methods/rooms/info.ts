/** `rooms.info`, `channels.info`, `groups.info`. */
import { method } from '../../shared/method.js';
import { READS } from '../limits.js';
import { clientRoom } from '../model/rooms/clientRoom.js';
import { findRoom, forBoth, WHICH_ROOM } from '../model/rooms/findRoom.js';

export const roomInfo = method({
	name: 'rooms.info',
	args: WHICH_ROOM,
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: 'Returns a room the caller may see',
	run: async (which, context) => ({ room: await clientRoom(context.store, await findRoom(context, which)) }),
});

export const infoMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.info`,
		args: WHICH_ROOM,
		rest: 'GET',
		parallel: true,
		limit: READS,
		summary: `Returns a ${kind.single} the caller may see`,
		run: async (which, context) => ({
			[kind.single]: await clientRoom(context.store, await findRoom(context, which, kind)),
		}),
	}),
);
