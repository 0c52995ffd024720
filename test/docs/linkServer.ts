import { type Connection, createServer, loginHandler, type ServerOptions } from 'roomkey';
import { insertLink, links, visitLink } from './linkMethods.js';
import { clock, myLinks } from './linkPublications.js';
import { report } from './linkReport.js';

/** Logs in a user by the key of a partner. */
const withPartnerKey = loginHandler('partner', async ({ partnerKey }, { store }) => {
	if (typeof partnerKey !== 'string') return undefined;
	const user = await store.users.findOne({ 'customFields.partnerKey': partnerKey });
	return user ? { userId: user._id } : undefined;
});

export const options = {
	collections: [links],
	methods: [insertLink, visitLink, report],
	publications: [myLinks, clock],
	limits: [{ matcher: { type: 'method', name: 'links.visit', connectionId: () => true }, calls: 5, per: 60_000 }],
	loginHandlers: [withPartnerKey],
	signUps: true,
	onConnection: [
		(connection: Connection) => {
			if (connection.httpHeaders['user-agent'] === 'BadBot') connection.close();
		},
	],
} satisfies ServerOptions;

/** Starts the application: what stood in `Meteor.startup` comes after `createServer`. */
export async function start(more: ServerOptions = {}) {
	const server = await createServer({ ...options, ...more });
	const { links: stored } = server.collections;
	if ((await stored.countDocuments({})) === 0) {
		await stored.insertOne({ _id: 'docs', title: 'Documentation', url: 'https://example.com', owner: '', visits: 0 });
	}
	return server;
}
