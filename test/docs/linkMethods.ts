import { ClientError, collection, Match, method } from 'roomkey';

export interface Link {
	_id: string;
	title: string;
	url: string;
	owner: string;
	visits: number;
}

declare module 'roomkey' {
	interface Collections {
		links: Link;
	}
}

export const links = collection<Link>('links', { indexes: [{ fields: ['owner'] }] });

export const insertLink = method({
	name: 'links.insert',
	summary: 'Adds a link',
	args: { title: String, url: Match.Where((url): url is string => /^https:/.test(String(url)), 'an https address') },
	params: ['title', 'url'],
	async run({ title, url }, { userId, collections, random }) {
		const _id = random.stream('/collection/links').id();
		await collections.links.insertOne({ _id, title, url, owner: userId, visits: 0 });
		return _id;
	},
});

export const visitLink = method({
	name: 'links.visit',
	summary: 'Counts a visit',
	args: { id: String },
	anonymous: true,
	async run({ id }, { collections }) {
		const { matchedCount } = await collections.links.updateOne({ _id: id }, { $inc: { visits: 1 } });
		if (matchedCount === 0) throw new ClientError('no-link', 'There is no such link', { id });
	},
});
