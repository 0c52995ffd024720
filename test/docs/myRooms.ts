import { liveQuery, publication } from '../../shared/publication.js';

export const myRooms = publication({
	name: 'rooms.mine',
	summary: 'The rooms the caller is a member of',
	args: {},
	limit: { calls: 60, per: 60_000 },
	async run(_args, { store, userId }) {
		const memberships = await store.subscriptions.find({ 'u._id': userId }).toArray();
		const rids = memberships.map(({ rid }) => rid);
		return liveQuery('rooms', { _id: { $in: rids } }, { name: 1, encrypted: 1, e2eKeyId: 1 });
	},
});
