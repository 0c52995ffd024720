/** `rooms.info`, `channels.info`, `groups.info`. */
import { method } from '../../shared/method.js';
import { READS } from '../limits.js';
import { findRoom, forBoth, WHICH_ROOM } from './kinds.js';
import { publishedRoom } from './published.js';

export const roomInfo = method({
	name: 'rooms.info',
	args: WHICH_ROOM,
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: 'Tells of a room the caller may see',
	run: async (which, context) => ({ room: await publishedRoom(context.store, await findRoom(context, which)) }),
});

export const infoMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.info`,
		args: WHICH_ROOM,
		rest: 'GET',
		parallel: true,
		limit: READS,
		summary: `Tells of a ${kind.single} the caller may see`,
		run: async (which, context) => ({
			[kind.single]: await publishedRoom(context.store, await findRoom(context, which, kind)),
		}),
	}),
);
