/** Paths and headers of SockJS (test/contract/ddp.md 1.1, 1.3). */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../support/app.js';
import { type RestAnswer, request } from '../support/rest.js';
import { NO_CACHE, NOT_FOUND } from '../support/sockJs.js';

describe('SockJS', () => {
	let app: TestApp;

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());

	const get = (path: string, headers = {}) => request(app.url + path, { headers });

	describe('endpoints (1.1)', () => {
		for (const path of ['/sockjs', '/sockjs/']) {
			it(`greets at ${path}`, async () => {
				const { status, headers, text } = await get(path);
				expect({ status, text }).to.deep.equal({ status: 200, text: 'Welcome to SockJS!\n' });
				expect(headers.get('content-type')).to.match(/^text\/plain/);
			});
		}

		for (const [verb, path] of [
			['GET', '/sockjs/x'],
			['GET', '/sockjs/iframe.html'],
			['POST', '/sockjs/chunking_test'],
			['POST', '/sockjs/info'],
			['GET', '/sockjs/a/b'],
			['GET', '/sockjs/a/b/xhr'],
			['GET', '/sockjs/a/b/jsonp'],
			['POST', '/sockjs/a/b/xhr_streaming'],
			['GET', '/sockjs/a/b/eventsource'],
			['POST', '/sockjs/a.b/c/xhr'],
			['POST', '/sockjs/a/b.c/xhr'],
			['POST', '/sockjs//b/xhr'],
			['POST', '/sockjs/a//xhr'],
			['POST', '/sockjs/a/b/c/xhr'],
			['GET', '/sockjs/a.b/c/websocket'],
		] as const) {
			it(`answers ${verb} ${path} with 404`, async () => {
				const { status, headers, text } = await request(app.url + path, { method: verb });
				expect({ status, text }).to.deep.equal({ status: 404, text: NOT_FOUND });
				expect(headers.get('content-type')).to.equal('text/plain; charset=UTF-8');
			});
		}

		for (const path of ['/websocket', '/sockjs/websocket', '/sockjs/a/b/websocket', '/sockjs/a/b/websocket/']) {
			it(`answers a plain GET ${path} with 400`, async () => {
				const { status, text } = await get(path);
				expect({ status, text }).to.deep.equal({ status: 400, text: 'Not a valid websocket request' });
			});
		}

		for (const path of ['/sockjs/a.b/c/websocket', '/sockjs/a/websocket', '/sockjs/a/b/c/websocket', '/sockjs/info']) {
			it(`refuses an upgrade at ${path} with 404`, async () => {
				const socket = new WebSocket(app.url.replace('http', 'ws') + path);
				const [error] = await once(socket, 'error');
				expect(error.message).to.include('404');
			});
		}

		for (const path of ['/websocket', '/sockjs/a/b/websocket']) {
			it(`refuses an upgrade to version 7 of the WebSocket protocol at ${path}`, async () => {
				const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '7' };
				const sent = httpRequest(app.url + path, { headers }).end();
				const [response] = await once(sent, 'response');
				expect(response.statusCode).to.equal(400);
				expect(String((await response.toArray()).join(''))).to.equal('Only supported WebSocket protocol is RFC 6455.');
			});
		}
	});

	describe('info, and CORS headers (1.3)', () => {
		it('returns the features of the server and a random number', async () => {
			const { status, headers, body } = await get('/sockjs/info');
			expect(status).to.equal(200);
			expect(headers.get('content-type')).to.equal('application/json; charset=UTF-8');
			expect(headers.get('cache-control')).to.equal(NO_CACHE);
			expect(body).to.have.all.keys('websocket', 'origins', 'cookie_needed', 'entropy');
			expect(body).to.deep.include({ websocket: true, origins: ['*:*'], cookie_needed: false });
			expect(body.entropy)
				.to.satisfy(Number.isInteger)
				.and.to.be.within(0, 2 ** 32 - 1);
			expect((await get('/sockjs/info/?t=1')).body.entropy).not.to.equal(body.entropy);
		});

		const cors = ({ headers }: RestAnswer) => ({
			origin: headers.get('access-control-allow-origin'),
			credentials: headers.get('access-control-allow-credentials'),
			vary: headers.get('vary'),
		});

		for (const [verb, path] of [
			['GET', '/sockjs/info'],
			['OPTIONS', '/sockjs/info'],
			['POST', '/sockjs/cors/a/xhr'],
			['POST', '/sockjs/a/unknown/xhr_send'],
		] as const) {
			it(`lets pages of any origin use ${verb} ${path}`, async () => {
				const origin = 'https://chat.example.com';
				const from = await request(app.url + path, { method: verb, headers: { Origin: origin } });
				expect(cors(from)).to.deep.equal({ origin, credentials: 'true', vary: 'Origin' });
			});

			it(`lets clients without an Origin use ${verb} ${path}`, async () => {
				// The test above has opened the session `a`, where another poll would be held.
				const answer = await request(app.url + path.replace('cors/a', 'program/b'), { method: verb });
				expect(cors(answer)).to.deep.equal({ origin: '*', credentials: null, vary: 'Origin' });
			});
		}

		for (const [path, verbs] of [
			['/sockjs/info', 'OPTIONS, GET'],
			['/sockjs/a/b/xhr', 'OPTIONS, POST'],
			['/sockjs/a/b/xhr_send', 'OPTIONS, POST'],
		] as const) {
			it(`answers OPTIONS ${path}`, async () => {
				const asked = { 'Access-Control-Request-Headers': 'content-type' };
				const { status, headers, text } = await request(app.url + path, { method: 'OPTIONS', headers: asked });
				expect({ status, text }).to.deep.equal({ status: 204, text: '' });
				expect(headers.get('access-control-allow-methods')).to.equal(verbs);
				expect(headers.get('access-control-max-age')).to.equal('31536000');
				expect(headers.get('access-control-allow-headers')).to.equal('content-type');
			});
		}
	});
});
