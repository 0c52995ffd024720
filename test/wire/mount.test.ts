/** A server within the HTTP server of an application, and REST verbs and paths that the application chooses. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { expect } from 'chai';
import express from 'express';
import fastify from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import {
	ClientError,
	createServer,
	Match,
	method,
	type RoomkeyServer,
	type ServerOptions,
} from '../../server/index.js';
import { clientsOfEachTest } from '../support/clients.js';
import { applicationOfEachTest, echo, mountOptions } from '../support/mount.js';
import { RawHttp } from '../support/rawHttp.js';

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

const options = { ...mountOptions, methods: [echo, put, patch, remove] } satisfies ServerOptions;

const json = (verb: string, body?: object) => ({
	method: verb,
	...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
});

describe('REST verbs and paths that the application chooses', () => {
	let server: RoomkeyServer;
	before(async () => {
		server = await createServer(options);
	});
	after(() => server.close());
	const ask = async (path: string, init?: RequestInit) => {
		const response = await fetch(`${server.url}${path}`, init);
		return { status: response.status, body: (await response.json()) as object, headers: response.headers };
	};

	it('pass path parameters to a method, in the types of its arguments', async () => {
		expect((await ask('/echo/a%20b')).body).to.deep.equal({ result: 'a b', success: true });
		expect((await ask('/items/5', json('PUT', { tags: ['x'] }))).body).to.deep.equal({
			number: 5,
			tags: ['x'],
			success: true,
		});
		expect((await ask('/api/v1/items/5', json('PATCH', { name: 'x' }))).body).to.include({ number: 5, name: 'x' });
	});

	it('take a slash in a parameter, as %2F, and refuse other verbs there too', async () => {
		expect((await ask('/echo/a%2Fb')).body).to.include({ result: 'a/b' });
		expect((await ask('/echo/a%2Fb', json('PUT', {}))).status).to.equal(405);
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

describe('Roomkey in the HTTP server of an application', () => {
	const clients = clientsOfEachTest();
	const { listening, mounted } = applicationOfEachTest(options);
	const exchange = (address: string, request: string) => RawHttp.to(`http://${address}`).send(request).untilClosed();

	/** Expects that the application answers at `/own`, and Roomkey over REST, WebSocket and SockJS. */
	async function expectBoth(address: string): Promise<void> {
		expect(await (await fetch(`http://${address}/own`)).text()).to.equal('own');
		expect(await (await fetch(`http://${address}/echo/x%2Fy`)).json()).to.include({ result: 'x/y' });
		expect(await (await fetch(`http://${address}/api/info`)).json()).to.include({ success: true });
		expect(await (await fetch(`http://${address}/sockjs/info`)).json()).to.include({ websocket: true });
		const client = await clients.connect(`ws://${address}/websocket`);
		expect((await client.call('echo', 'over DDP')).result).to.equal('over DDP');
	}

	it('shares a server of node:http with the listener and the WebSockets of the application', async () => {
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

	it('shares the HTTP server with listeners that the application adds later', async () => {
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
		const head = `PUT /items/5 HTTP/1.1\r\n${expecting}Content-Type: application/json\r\nContent-Length: ${body.length}`;
		expect(await exchange(address, `${head}\r\n\r\n${body}`)).to.match(/^HTTP\/1.1 100 .*"number":5/s);
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

	it('shares the HTTP server with other Roomkey servers, which close in any order', async () => {
		const http = createHttpServer((_request, response) => response.end('own'));
		let onceCalls = 0;
		// Runs only for the first request that Roomkey leaves to the application.
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
		const roomkeyAnswer = '{"result":"x","success":true}';
		expect(await answers()).to.deep.equal([roomkeyAnswer, roomkeyAnswer]);
		await first.close();
		expect(await answers()).to.deep.equal(['own', roomkeyAnswer]);
		await clients.connect(`ws://${address}/b/websocket`);
		await clients.closeAll();
		await second.close();
		expect(await answers()).to.deep.equal(['own', 'own']);
		const third = await mounted({ server: http, pathPrefix: '/b' });
		expect(await answers()).to.deep.equal(['own', roomkeyAnswer]);
		await third.close();
		expect(http.listenerCount('upgrade')).to.equal(0);
		expect(onceCalls).to.equal(1);
	});

	it('leaves a listener that wraps other listeners in place when Roomkey closes', async () => {
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
		await expectBoth(await listening(app.server));
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
