import { liveQuery, Match, method, publication } from 'roomkey';

declare module 'roomkey' {
	interface User {
		colour?: string;
	}
}

export const setColour = method({
	name: 'users.setColour',
	summary: "Sets the caller's colour",
	args: { colour: Match.OneOf('red', 'blue') },
	async run({ colour }, { userId, store }) {
		await store.users.updateOne({ _id: userId }, { $set: { colour } });
	},
});

/** A publication without a name goes to every client, without a subscription. */
export const ownColour = publication({
	name: null,
	summary: "The caller's colour, beside the fields of users that Roomkey publishes",
	args: {},
	anonymous: true,
	run: (_args, { userId }) => userId !== null && liveQuery('users', { _id: userId }, { colour: 1 }),
});
