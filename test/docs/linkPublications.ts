import { liveQuery, publication } from 'roomkey';
import { links } from './linkMethods.js';

export const myLinks = publication({
	name: 'links.mine',
	summary: 'The links of the caller',
	args: {},
	run: (_args, { userId }) => liveQuery(links, { owner: userId }, { title: 1, visits: 1 }),
});

export const clock = publication({
	name: 'clock',
	summary: 'The time, as a document',
	args: { id: String },
	anonymous: true,
	run({ id }, context) {
		context.added('clocks', id, { now: Date.now() });
		const timer = setInterval(() => context.changed('clocks', id, { now: Date.now() }), 1000);
		context.onStop(() => clearInterval(timer));
		context.ready();
	},
});
