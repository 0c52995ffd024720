/**
 * Roomkey in an application of express: `node examples/express/server.mjs`, after `npm run build` in a clone; or with the
 * package, after `npm install express`, `node node_modules/roomkey/examples/express/server.mjs`. Express has
 * its own pages, which call methods too; DDP and REST clients reach the same methods at the same port.
 */
import { createServer as createHttpServer } from 'node:http';
import express from 'express';
import { collection, createServer, liveQuery, method, publication } from 'roomkey';

const counters = collection('counters');

const count = method({
	name: 'counters.count',
	summary: 'Counts a visit',
	args: { page: String },
	anonymous: true,
	rest: { verb: 'POST', path: '/counters/:page' },
	async run({ page }, { collections }) {
		const counted = { $inc: { visits: 1 } };
		const found = await collections.counters.findOneAndUpdate({ _id: page }, counted, { returnDocument: 'after' });
		if (found) return found.visits;
		await collections.counters.insertOne({ _id: page, visits: 1 });
		return 1;
	},
});

const allCounters = publication({
	name: 'counters.all',
	summary: 'All counters',
	args: {},
	anonymous: true,
	run: () => liveQuery(counters, {}, { visits: 1 }),
});

const roomkey = await createServer({
	collections: [counters],
	methods: [count],
	publications: [allCounters],
	accounts: false,
	store: { memory: true },
	listen: false,
});

const app = express();
app.use(roomkey.handle);
app.get('/:page', async (request, response) => {
	const visits = await roomkey.call('counters.count', [request.params.page]);
	response.send(`Visit ${visits} of ${request.params.page}`);
});

const http = createHttpServer(app);
http.on('upgrade', (request, socket, head) => {
	if (!roomkey.upgrade(request, socket, head)) socket.destroy();
});
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
	console.log(`Express at http://127.0.0.1:${http.address().port}`),
);

process.once('SIGTERM', stop).once('SIGINT', stop);

async function stop() {
	http.close();
	await roomkey.close();
	http.closeAllConnections();
}
