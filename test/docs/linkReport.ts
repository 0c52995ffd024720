import { method } from 'roomkey';

export const report = method({
	name: 'links.report',
	summary: 'Counts the links of all users',
	args: {},
	rest: 'GET',
	async run(_args, context) {
		context.unblock();
		return { links: await context.collections.links.countDocuments({}) };
	},
});
