/** `rooms.info`, `channels.info`, `groups.info`: one room. */
import { method } from '../../shared/method.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { RoomAnswer } from '../model/answers.js';
import { clientRoom } from '../model/rooms/clientRoom.js';
import { findRoom, forChannelsAndGroups, ROOM_ARGS, ROOM_ARGS_ERRORS } from '../model/rooms/findRoom.js';

export const roomInfo = method({
	name: 'rooms.info',
	args: ROOM_ARGS,
	...READ_DEFAULTS,
	summary: 'Returns a room the caller may see',
	returns: { room: RoomAnswer },
	errors: [...ROOM_ARGS_ERRORS],
	run: async (roomArgs, context) => ({ room: await clientRoom(context.store, await findRoom(context, roomArgs)) }),
});

export const infoMethods = forChannelsAndGroups((kind) =>
	method({
		name: `${kind.plural}.info`,
		args: ROOM_ARGS,
		...READ_DEFAULTS,
		summary: `Returns a ${kind.single} the caller may see`,
		returns: { [kind.single]: RoomAnswer },
		errors: [...ROOM_ARGS_ERRORS],
		run: async (roomArgs, context) => ({
			[kind.single]: await clientRoom(context.store, await findRoom(context, roomArgs, kind)),
		}),
	}),
);
