import { WRITES } from '../../methods/limits.js';
import { requireRoomAccess } from '../../methods/model/rooms/access.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';

/** Error messages and the reference contain the description, and OpenAPI the JSON Schema. */
const Description = Match.Where(
	(value): value is string => typeof value === 'string' && value.length >= 1 && value.length <= 500,
	'a text of 1 to 500 characters',
	{ type: 'string', minLength: 1, maxLength: 500 },
);

export const describeRoom = method({
	name: 'rooms.describe',
	summary: 'Changes the description of a room that the caller may see',
	args: { rid: String, description: Description },
	rest: 'POST',
	limit: WRITES,
	returns: { description: String },
	errors: ['error-invalid-room'],
	async run({ rid, description }, { userId, store }) {
		await requireRoomAccess(store, rid, userId);
		const { matchedCount } = await store.rooms.updateOne({ _id: rid }, { $set: { description } });
		if (matchedCount === 0) throw clientError('invalidRoom');
		return { description };
	},
});
