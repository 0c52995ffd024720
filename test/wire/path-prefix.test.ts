/** The setting `--path-prefix`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import express from 'express';
import { isPathPrefix, withoutPrefix } from '../../server/http/pathPrefix.js';
import { openServer } from '../../server/start/openServer.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { RawHttp, upgradeRequest } from '../support/rawHttp.js';
import { request } from '../support/rest.js';

const PREFIX = '/chat/roomkey';

describe('a server below a path', () => {
	let app: TestApp;
	before(async () => {
		app = await startApp({ pathPrefix: PREFIX, corsOrigin: '*' });
	});
	after(() => app.close());

	for (const [path, status] of [
		['/api/info', 200],
		['/api/v1/me', 401],
		['/api/v1/openapi.json', 200],
		['/asyncapi.json', 200],
		['/api-docs', 200],
		['/api-docs/page.js', 200],
		['/livez', 200],
		['/readyz', 200],
		['/metrics', 200],
		['/sockjs/info', 200],
		['/websocket', 400],
	] as const) {
		it(`answers ${path} below its prefix, and nowhere else`, async () => {
			expect((await request(`${app.url}${PREFIX}${path}`)).status).to.equal(status);
			for (const other of [path, `${PREFIX}x${path}`, `/chat${path}`, `${PREFIX}${PREFIX}${path}`]) {
				const answer = await request(`${app.url}${other}`);
				expect(answer.status, other).to.equal(404);
				expect(answer.body).to.deep.equal({ success: false, error: 'Resource not found' });
			}
		});
	}

	for (const path of ['/websocket', '/sockjs/websocket', '/sockjs/0/a/websocket']) {
		it(`opens WebSockets at ${path} below its prefix, and nowhere else`, async () => {
			const client = await RawClient.open(`${app.url.replace('http', 'ws')}${PREFIX}${path}`);
			await client.close();
			for (const other of [path, `${PREFIX}x${path}`]) {
				const answer = await RawHttp.to(app.url).send(upgradeRequest(other)).untilClosed();
				expect(answer, other).to.match(/^HTTP\/1\.1 404 /);
			}
		});
	}

	it('answers a request below its prefix that offers an unknown upgrade', async () => {
		const offer = 'Host: x\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n';
		const client = RawHttp.to(app.url).send(`GET ${PREFIX}/api/info HTTP/1.1\r\n${offer}`);
		expect(await client.untilClosed()).to.match(/^HTTP\/1\.1 200 OK/);
	});

	it('answers CORS preflight requests below its prefix', async () => {
		const headers = { Origin: 'https://page.example', 'Access-Control-Request-Method': 'POST' };
		const { status } = await request(`${app.url}${PREFIX}/api/v1/login`, { method: 'OPTIONS', headers });
		expect(status).to.equal(204);
	});

	it('names its prefix in OpenAPI and AsyncAPI', async () => {
		const { body } = await request(`${app.url}${PREFIX}/api/v1/openapi.json`);
		expect(body.servers).to.deep.equal([{ url: PREFIX }]);
		const asyncapi = await request(`${app.url}${PREFIX}/asyncapi.json`);
		expect(asyncapi.body).to.have.nested.property('servers.server.pathname', PREFIX);
	});

	it('redirects /api-docs/ to /api-docs below its prefix', async () => {
		const answer = await fetch(`${app.url}${PREFIX}/api-docs/`, { redirect: 'manual' });
		const target = new URL(answer.headers.get('location') ?? '', answer.url);
		expect(target.pathname).to.equal(`${PREFIX}/api-docs`);
	});

	it('names its prefix in its address', async () => {
		const server = await openServer({
			port: 0,
			store: { memory: true },
			logLevel: 'silent',
			pathPrefix: '/x',
			grace: 0,
		});
		expect(server.url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/x$/);
		await server.close();
	});

	it('leaves other paths to the application that it is mounted in', async () => {
		const roomkey = await openServer({
			listen: false,
			store: { memory: true },
			logLevel: 'silent',
			pathPrefix: '/x',
			grace: 0,
		});
		const application = express();
		application.use(roomkey.handle);
		application.use((_request, response) => void response.send('the application'));
		const http = createServer(application).listen(0, '127.0.0.1');
		await new Promise((resolve) => http.once('listening', resolve));
		const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
		expect((await request(`${url}/x/api/info`)).body).to.include({ success: true });
		for (const path of ['/api/info', '/x', '/xx/api/info']) {
			expect((await request(url + path)).text).to.equal('the application');
		}
		http.close();
		http.closeAllConnections();
		await roomkey.close();
	});
});

describe('a path prefix', () => {
	it('begins with a slash, does not end in one, and needs no encoding', () => {
		for (const text of ['/roomkey', '/a/b', '/a.b/~c_d-e']) expect(isPathPrefix(text), text).to.equal(true);
		for (const text of ['', '/', 'roomkey', '/a/', '//a', '/a/../b', '/.', '/a b', '/ä', '/a?b', `/${'a'.repeat(200)}`])
			expect(isPathPrefix(text), text).to.equal(false);
	});

	it('is removed only from URLs below it', () => {
		expect(withoutPrefix('', '/a?b')).to.equal('/a?b');
		expect(withoutPrefix('/a', '/a/b?c')).to.equal('/b?c');
		expect(withoutPrefix('/a', '/a')).to.equal('/');
		expect(withoutPrefix('/a', '/a?b')).to.equal('/?b');
		for (const url of ['/', '/ab', '/A/b', '', '*', 'http://x/a/b'])
			expect(withoutPrefix('/a', url)).to.equal(undefined);
	});
});
