/** A server within the HTTP server of an application, and own REST verbs and paths. */

import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import express from 'express';
import fastify from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { closeServer } from '../../server/http/closeServer.js';
import {
	ClientError,
	createServer,
	Match,
	method,
	type RoomkeyServer,
	type ServerOptions,
} from '../../server/index.js';
import { clientsOfEachTest } from '../support/clients.js';
import { Gates } from '../support/gates.js';
import { RawHttp } from '../support/rawHttp.js';

const echo = method({
	name: 'echo',
	summary: 'Answers its argument',
	args: { text: String },
	anonymous: true,
	rest: { verb: 'GET', path: '/echo/:text' },
	run: ({ text }) => text,
});

const put = method({
	name: 'items.put',
	summary: 'Answers what it has got',
	args: { number: Number, tags: Match.Optional([String]) },
	anonymous: true,
	rest: { verb: 'PUT', path: '/items/:number' },
	run: (args) => args,
});

const remove = method({
	name: 'items.remove',
	summary: 'Refuses to remove the first item',
	args: { number: Number, force: Match.Optional(Boolean) },
	anonymous: true,
	rest: { verb: 'DELETE', path: '/items/:number' },
	run({ number, force }) {
		if (number === 1 && !force) throw new ClientError('items-first', 'The first item stays');
	},
});

const patch = method({
	name: 'items.patch',
	summary: 'Answers what it has got',
	args: { number: Number, name: String },
	anonymous: true,
	rest: { verb: 'PATCH', path: 'items/:number' },
	run: (args) => args,
});

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

const largeBody = method({
	name: 'large',
	summary: 'Has a higher limit for bodies',
	args: { text: String },
	rest: { verb: 'POST', path: '/large', maxBody: 4_000_000 },
	run: ({ text }) => text.length,
});

const options = {
	methods: [echo, put, patch, remove],
	store: { memory: true },
	port: 0,
	logLevel: 'silent',
	grace: 100,
} satisfies ServerOptions;

const json = (verb: string, body?: object) => ({
	method: verb,
	...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
});

describe('own REST verbs and paths', () => {
	let server: RoomkeyServer;
	before(async () => {
		server = await createServer(options);
	});
	after(() => server.close());
	const ask = async (path: string, init?: RequestInit) => {
		const response = await fetch(`${server.url}${path}`, init);
		return { status: response.status, body: (await response.json()) as object, headers: response.headers };
	};

	it('pass the parameters of the path to a method, in the types of its arguments', async () => {
		expect((await ask('/echo/a%20b')).body).to.deep.equal({ result: 'a b', success: true });
		expect((await ask('/items/5', json('PUT', { tags: ['x'] }))).body).to.deep.equal({
			number: 5,
			tags: ['x'],
			success: true,
		});
		expect((await ask('/api/v1/items/5', json('PATCH', { name: 'x' }))).body).to.include({ number: 5, name: 'x' });
	});

	it('read the fields of DELETE from the query', async () => {
		expect((await ask('/items/1', json('DELETE'))).body).to.include({ errorType: 'items-first' });
		expect((await ask('/items/1?force=true', json('DELETE'))).body).to.deep.equal({ success: true });
	});

	it('refuse other verbs, invalid numbers and unknown fields', async () => {
		const { status, headers } = await ask('/items/5', json('POST', {}));
		expect(status).to.equal(405);
		expect(headers.get('allow')?.split(', ')).to.have.members(['PUT', 'DELETE']);
		expect((await ask('/items/five', json('PUT', {}))).status).to.equal(400);
		expect((await ask('/items/5', json('PUT', { colour: 'red' }))).body).to.include({ errorType: 'invalid-params' });
		expect((await ask('/items', json('PUT', {}))).status).to.equal(404);
	});
});

describe('a server of an application', () => {
	const clients = clientsOfEachTest();
	const closers: (() => unknown)[] = [];
	afterEach(async () => {
		for (const close of closers.splice(0).reverse()) await close();
	});

	async function listening(http: HttpServer): Promise<string> {
		if (!http.listening) await once(http.listen(0, '127.0.0.1'), 'listening');
		closers.push(() => closeServer(http));
		return `127.0.0.1:${(http.address() as AddressInfo).port}`;
	}

	async function mounted(more: ServerOptions): Promise<RoomkeyServer> {
		const server = await createServer({ ...options, ...more });
		closers.push(() => server.close());
		return server;
	}

	const exchange = (address: string, request: string) => RawHttp.to(`http://${address}`).send(request).untilClosed();

	/** The application answers at `/own`; Roomkey over REST, WebSocket and SockJS. */
	async function expectBoth(address: string): Promise<void> {
		expect(await (await fetch(`http://${address}/own`)).text()).to.equal('own');
		expect(await (await fetch(`http://${address}/echo/x`)).json()).to.include({ result: 'x' });
		expect(await (await fetch(`http://${address}/api/info`)).json()).to.include({ success: true });
		expect(await (await fetch(`http://${address}/sockjs/info`)).json()).to.include({ websocket: true });
		const client = await clients.connect(`ws://${address}/websocket`);
		expect((await client.call('echo', 'over DDP')).result).to.equal('over DDP');
	}

	it('shares a server of node:http, and its other WebSockets', async () => {
		const http = createHttpServer((_request, response) => response.end('own'));
		const chat = new WebSocketServer({ noServer: true });
		http.on('upgrade', (request, socket, head) => {
			if (request.url !== '/chat') return socket.destroy();
			return chat.handleUpgrade(request, socket, head, (webSocket) => webSocket.send('chat'));
		});
		const server = await mounted({ server: http });
		const address = await listening(http);
		await expectBoth(address);

		const other = new WebSocket(`ws://${address}/chat`);
		const [data] = (await once(other, 'message')) as [Buffer];
		expect(data.toString()).to.equal('chat');
		other.close();

		await server.close();
		expect(await (await fetch(`http://${address}/echo/x`)).text()).to.equal('own');
	});

	it('shares listeners that the application adds later', async () => {
		const http = createHttpServer();
		await mounted({ server: http });
		const paths: (string | undefined)[] = [];
		http.on('request', (request, response) => {
			paths.push(request.url);
			response.end('own');
		});
		new WebSocketServer({ server: http, path: '/chat' }).on('connection', (webSocket) => webSocket.send('chat'));
		const address = await listening(http);
		await expectBoth(address);
		expect(paths).to.deep.equal(['/own']);

		const other = new WebSocket(`ws://${address}/chat`);
		const [data] = (await once(other, 'message')) as [Buffer];
		expect(data.toString()).to.equal('chat');
		other.close();
	});

	it('answers requests with `Expect: 100-continue` if the application listens for them', async () => {
		const http = createHttpServer().on('checkContinue', (_request, response) => response.end('own'));
		await mounted({ server: http });
		const address = await listening(http);
		const expecting = 'Host: x\r\nExpect: 100-continue\r\nConnection: close\r\n';
		const body = '{}';
		const put = `PUT /items/5 HTTP/1.1\r\n${expecting}Content-Type: application/json\r\nContent-Length: ${body.length}`;
		expect(await exchange(address, `${put}\r\n\r\n${body}`)).to.match(/^HTTP\/1.1 100 .*"number":5/s);
		expect(await exchange(address, `GET /own HTTP/1.1\r\n${expecting}\r\n`)).to.match(/own$/);
	});

	it('leaves requests that offer another protocol than WebSocket to the application', async () => {
		const http = createHttpServer((request, response) => response.end(`own ${request.url}`));
		await mounted({ server: http });
		const address = await listening(http);
		const offer = 'Host: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n';
		expect(await exchange(address, `GET /page HTTP/1.1\r\n${offer}`)).to.match(/^HTTP\/1.1 200 .*own \/page/s);
		expect(await exchange(address, `GET /echo/x HTTP/1.1\r\n${offer}`)).to.match(/^HTTP\/1.1 200 .*"result":"x"/s);
	});

	it('contains several servers, which close in any order', async () => {
		const http = createHttpServer((_request, response) => response.end('own'));
		let onceCalls = 0;
		http.once('request', () => onceCalls++);
		const [first, second] = [
			await mounted({ server: http, pathPrefix: '/a' }),
			await mounted({ server: http, pathPrefix: '/b' }),
		];
		const address = await listening(http);
		const answers = async () => {
			const responses = await Promise.all(['/a', '/b'].map((prefix) => fetch(`http://${address}${prefix}/echo/x`)));
			return Promise.all(responses.map((response) => response.text()));
		};
		const ours = '{"result":"x","success":true}';
		expect(await answers()).to.deep.equal([ours, ours]);
		await first.close();
		expect(await answers()).to.deep.equal(['own', ours]);
		await clients.connect(`ws://${address}/b/websocket`);
		await clients.closeAll();
		await second.close();
		expect(await answers()).to.deep.equal(['own', 'own']);
		const third = await mounted({ server: http, pathPrefix: '/b' });
		expect(await answers()).to.deep.equal(['own', ours]);
		await third.close();
		expect(http.listenerCount('upgrade')).to.equal(0);
		expect(onceCalls).to.equal(1);
	});

	it('keeps listeners that the application has replaced or wrapped when it closes', async () => {
		const http = createHttpServer((_request, response) => response.end('own'));
		const server = await mounted({ server: http });
		const wrapped = http.listeners('request') as ((...args: unknown[]) => void)[];
		http.removeAllListeners('request').on('request', (...args) => {
			for (const listener of wrapped) listener(...args);
		});
		const address = await listening(http);
		expect(await (await fetch(`http://${address}/echo/x`)).json()).to.include({ result: 'x' });
		await server.close();
		expect(await (await fetch(`http://${address}/own`)).text()).to.equal('own');
	});

	/** The ways in which requests reach a server. */
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

	for (const [way, begin] of Object.entries(ways)) {
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
			const { server, address } = await begin({ methods: [...options.methods, slow], grace: 60_000 });
			const answer = fetch(`http://${address}/api/v1/slow`, { method: 'POST' });
			await begun;
			let isClosed = false;
			const closed = server.close().then(() => {
				isClosed = true;
			});
			// Until it refuses calls, it answers them.
			let status = 200;
			while (status === 200) status = (await fetch(`http://${address}/api/info`)).status;
			expect(status).to.equal(503);
			expect(isClosed).to.equal(false);
			gates.open('slow');
			expect(await (await answer).json()).to.deep.equal({ result: 0, success: true });
			await closed;
		});

		it(`disconnects the clients of calls that do not end in time (${way})`, async () => {
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
			const { server, address } = await begin({ methods: [endless], grace: 20 });
			const answer = fetch(`http://${address}/api/v1/endless`, { method: 'POST' }).catch(String);
			await begun;
			await server.close();
			await aborted;
			expect(await answer).to.equal('TypeError: fetch failed');
		});
	}

	it('refuses requests that it handles after it has closed', async () => {
		const { server, address } = await ways.handle({ methods: [...options.methods, largeBody] });
		await server.close();
		const expected = { success: false, error: 'Server is shutting down' };
		for (const path of ['echo/x', 'api/v1/me', 'api/info']) {
			const response = await fetch(`http://${address}/${path}`);
			expect([response.status, await response.json()]).to.deep.equal([503, expected]);
		}
		const large = await fetch(`http://${address}/large`, json('POST', { text: 'x'.repeat(2_000_000) }));
		expect([large.status, await large.json()]).to.deep.equal([503, expected]);
		expect((await fetch(`http://${address}/livez`)).status).to.equal(200);
	});

	it('sends polling clients of SockJS their last answers', async () => {
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

	it('is middleware of express, and handles upgrades', async () => {
		const server = await mounted({ listen: false });
		const app = express();
		app.use(server.handle);
		app.get('/own', (_request, response) => void response.send('own'));
		const http = createHttpServer(app);
		http.on('upgrade', server.upgrade);
		const address = await listening(http);
		await expectBoth(address);
		expect((await fetch(`http://${address}/nothing`)).status).to.equal(404);
	});

	it('refuses requests whose body other middleware has read', async () => {
		const server = await mounted({ listen: false });
		const app = express();
		app.use('/items', express.json());
		app.use('/api', async (request, _response, next) => {
			for await (const _part of request);
			next();
		});
		app.use(server.handle);
		const address = await listening(createHttpServer(app));
		for (const [verb, path] of [
			['PUT', 'items/5'],
			['POST', 'api/v1/login'],
		] as const) {
			const response = await fetch(`http://${address}/${path}`, json(verb, { tags: ['x'] }));
			expect(response.status).to.equal(500);
			expect(((await response.json()) as { error: string }).error).to.match(/^The body was read before/);
		}
		expect((await fetch(`http://${address}/api/info`)).status).to.equal(200);
	});

	it('runs in an application of fastify', async () => {
		const app = fastify();
		app.get('/own', () => 'own');
		await mounted({ server: app.server });
		await app.listen({ port: 0, host: '127.0.0.1' });
		closers.push(() => app.close());
		await expectBoth(`127.0.0.1:${(app.server.address() as AddressInfo).port}`);
	});

	it('leaves upgrades at other paths to the application', async () => {
		const http = createHttpServer();
		const server = await mounted({ listen: false });
		const left: string[] = [];
		http.on('upgrade', (request, socket, head) => {
			if (server.upgrade(request, socket, head)) return;
			left.push(request.url ?? '');
			socket.destroy();
		});
		const address = await listening(http);
		await clients.connect(`ws://${address}/websocket`);
		const other = new WebSocket(`ws://${address}/other`);
		await once(other, 'error');
		expect(left).to.deep.equal(['/other']);
	});
});
