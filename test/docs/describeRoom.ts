import { WRITES } from '../../methods/limits.js';
import { requireRoomAccess } from '../../methods/model/rooms/access.js';
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { Text } from '../../shared/text.js';

export const describeRoom = method({
	name: 'rooms.describe',
	summary: 'Changes the description of a room that the caller may see',
	args: { rid: String, description: Text({ min: 1, max: 500, oneLine: true }) },
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
