/** `getRoomIdByNameOrId`, `getRoomNameById`: some clients call these before they call other methods for a room. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { DDP_READ_DEFAULTS } from '../methodDefaults.js';
import { exists } from '../model/exists.js';
import { maySeeRoom } from '../model/rooms/access.js';

export const getRoomIdByNameOrId = method({
	name: 'getRoomIdByNameOrId',
	/** `rid`: an id or a name. */
	args: { rid: String },
	...DDP_READ_DEFAULTS,
	summary: 'Returns the id of a room the caller may see, by its id or its name',
	returns: String,
	errors: ['error-not-allowed'],
	async run({ rid }, { store, userId }) {
		const find = (filter: object) => store.rooms.findOne(filter, { projection: { _id: 1 } });
		const room = (await find({ _id: rid })) ?? (await find({ name: rid }));
		if (!room || !(await maySeeRoom(store, room._id, userId))) throw clientError('errorNotAllowed');
		return room._id;
	},
});

export const getRoomNameById = method({
	name: 'getRoomNameById',
	args: { rid: String },
	...DDP_READ_DEFAULTS,
	summary: 'Returns the name of a room to its members and invited users; the name of a channel to all who may see it',
	returns: Match.Optional(String),
	errors: ['error-not-allowed'],
	async run({ rid }, { store, userId }) {
		const room = await store.rooms.findOne({ _id: rid }, { projection: { name: 1, t: 1 } });
		if (!room) throw clientError('errorNotAllowed');
		// Also of an invited user, whose invitation contains the name.
		const hasMembership = await exists(store.subscriptions, { rid, 'u._id': userId });
		const maySee = hasMembership || (room.t === 'c' && (await maySeeRoom(store, rid, userId)));
		if (!maySee) throw clientError('errorNotAllowed');
		return room.name;
	},
});
