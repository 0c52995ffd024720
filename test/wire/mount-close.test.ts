/** How a server within the HTTP server of an application shuts down. */
import { createServer as createHttpServer } from 'node:http';
import { expect } from 'chai';
import { method, type ServerOptions } from '../../server/index.js';
import { Gates } from '../support/gates.js';
import { applicationOfEachTest, echo } from '../support/mount.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

const largeBody = method({
	name: 'large',
	summary: 'Has a higher limit for bodies',
	args: { text: String },
	rest: { verb: 'POST', path: '/large', maxBody: 4_000_000 },
	run: ({ text }) => text.length,
});

describe('a server that closes within an application', () => {
	const { listening, mounted } = applicationOfEachTest();

	const ways = {
		async server(more: ServerOptions) {
			const http = createHttpServer((_request, response) => response.end('own'));
			const server = await mounted({ ...more, server: http });
			return { server, address: await listening(http) };
		},
		async handle(more: ServerOptions) {
			const server = await mounted({ ...more, listen: false });
			const http = createHttpServer((request, response) => server.handle(request, response));
			return { server, address: await listening(http) };
		},
	};

	for (const [way, startServer] of Object.entries(ways)) {
		it(`answers the calls in progress before it closes, and refuses later ones (${way})`, async () => {
			const gates = new Gates();
			const begun = gates.wait('begun');
			const slow = method({
				...anyone,
				name: 'slow',
				rest: 'POST',
				async run(_args, { store }) {
					gates.open('begun');
					await gates.wait('slow');
					return store.users.countDocuments({});
				},
			});
			const { server, address } = await startServer({ methods: [echo, slow], grace: 60_000 });
			const answer = fetch(`http://${address}/api/v1/slow`, { method: 'POST' });
			await begun;
			let isClosed = false;
			const closed = server.close().then(() => {
				isClosed = true;
			});
			// `close()` takes effect a little later.
			let status = 200;
			while (status === 200) status = (await fetch(`http://${address}/api/info`)).status;
			expect(status).to.equal(503);
			expect(isClosed).to.equal(false);
			gates.open('slow');
			expect(await (await answer).json()).to.deep.equal({ result: 0, success: true });
			await closed;
		});

		it(`disconnects the clients of calls that do not end within the grace period (${way})`, async () => {
			const gates = new Gates();
			const [begun, aborted] = [gates.wait('begun'), gates.wait('aborted')];
			const endless = method({
				...anyone,
				name: 'endless',
				rest: 'POST',
				async run(_args, { signal }) {
					signal.addEventListener('abort', () => gates.open('aborted'));
					gates.open('begun');
					await gates.wait('never');
				},
			});
			const { server, address } = await startServer({ methods: [endless], grace: 20 });
			const answer = fetch(`http://${address}/api/v1/endless`, { method: 'POST' }).catch(String);
			await begun;
			await server.close();
			await aborted;
			expect(await answer).to.equal('TypeError: fetch failed');
		});
	}

	it('refuses requests that reach it after it has closed, except /livez', async () => {
		const { server, address } = await ways.handle({ methods: [echo, largeBody] });
		await server.close();
		const expected = { success: false, error: 'Server is shutting down' };
		for (const path of ['echo/x', 'api/v1/me', 'api/info']) {
			const response = await fetch(`http://${address}/${path}`);
			expect([response.status, await response.json()]).to.deep.equal([503, expected]);
		}
		const large = await fetch(`http://${address}/large`, { method: 'POST', body: 'x'.repeat(2_000_000) });
		expect([large.status, await large.json()]).to.deep.equal([503, expected]);
		expect((await fetch(`http://${address}/livez`)).status).to.equal(200);
	});

	it('answers the polls of SockJS clients with the close frame', async () => {
		const { server, address } = await ways.server({ grace: 60_000 });
		const url = `http://${address}/sockjs/000/session`;
		const poll = async () => (await fetch(`${url}/xhr`, { method: 'POST' })).text();
		expect(await poll()).to.equal('o\n');
		const closed = server.close();
		let text = '';
		while (!text.startsWith('c')) text = await poll();
		expect(text).to.equal('c[1001,"Server is shutting down"]\n');
		await closed;
	});
});
