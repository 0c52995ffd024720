/** The security headers of HTTP answers. */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson } from '../support/people.js';
import { RawHttp, upgradeRequest } from '../support/rawHttp.js';
import { get, request } from '../support/rest.js';

const EXPECTED = {
	'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'cross-origin-resource-policy': 'same-origin',
};

function securityHeadersOf(headers: Headers): Record<string, string | null> {
	return Object.fromEntries(Object.keys(EXPECTED).map((name) => [name, headers.get(name)]));
}

function expectHeadersIn(text: string): void {
	for (const [name, value] of Object.entries(EXPECTED)) expect(text).to.include(`${name}: ${value}\r\n`);
}

describe('security headers', () => {
	let app: TestApp;
	before(async () => {
		// With this maximum, DDP connections from allowed origins are refused with 429.
		app = await startApp({ ddp: { maxConnectionsPerAddress: 0 }, allowedOrigins: 'own' });
	});
	after(() => app.close());

	for (const [method, path, status] of [
		['GET', '/api/info', 200],
		['GET', '/api/v1/me', 401],
		['GET', '/api/v1/me/', 401],
		['POST', '/api/v1/me', 405],
		['GET', '/nowhere', 404],
		['GET', '/%ff', 400],
		['GET', '/livez', 200],
		['GET', '/metrics', 200],
		['GET', '/api/v1/openapi.json', 200],
		['GET', '/asyncapi.json', 200],
		['GET', '/websocket', 400],
		['GET', '/sockjs/info', 200],
		['GET', '/sockjs/nowhere', 404],
		['POST', '/sockjs/0/a/xhr', 429],
		['OPTIONS', '/sockjs/0/a/xhr', 204],
	] as const) {
		it(`are in the answer ${status} to ${method} ${path}`, async () => {
			const answer = await request(app.url + path, { method });
			expect(answer.status).to.equal(status);
			expect(securityHeadersOf(answer.headers)).to.deep.equal(EXPECTED);
			// Browsers ignore this header without TLS.
			expect(answer.headers.get('strict-transport-security')).to.equal(null);
		});
	}

	it('are in the answers to a method call and to an invalid body', async () => {
		const alice = await addPerson(app.store);
		expect(securityHeadersOf((await get(`${app.url}/api/v1/me`, alice)).headers)).to.deep.equal(EXPECTED);
		const headers = { 'content-type': 'application/json' };
		const answer = await request(`${app.url}/api/v1/login`, { method: 'POST', headers, body: '{' });
		expect(answer.status).to.equal(400);
		expect(securityHeadersOf(answer.headers)).to.deep.equal(EXPECTED);
	});

	it('are in the answers to rejected upgrades and to invalid HTTP', async () => {
		for (const [text, status] of [
			[upgradeRequest('/nowhere'), 404],
			[upgradeRequest('/websocket', { 'sec-websocket-version': '7' }), 400],
			[upgradeRequest('/websocket', { origin: 'https://evil.example' }), 403],
			[upgradeRequest('/websocket'), 429],
			['nonsense\r\n\r\n', 400],
			[`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
		] as const) {
			const answer = await RawHttp.to(app.url).send(text).untilClosed();
			expect(answer.slice(0, 12)).to.equal(`HTTP/1.1 ${status}`);
			expectHeadersIn(answer);
		}
	});

	it('are in the JSON answer to an unknown expectation', async () => {
		const text = 'GET /api/v1/me HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nConnection: close\r\n\r\n';
		const answer = await RawHttp.to(app.url).send(text).untilClosed();
		expect(answer)
			.to.match(/^HTTP\/1\.1 417/)
			.and.include('{"success":false,"error":"Expectation failed"}');
		expectHeadersIn(answer);
	});

	it('let the page at /api-docs load only scripts of the same server', async () => {
		const { headers } = await request(`${app.url}/api-docs`);
		expect(headers.get('content-security-policy')).to.include("script-src 'self'").and.include("default-src 'none'");
		expect(headers.get('x-frame-options')).to.equal('DENY');
		expect(headers.get('x-content-type-options')).to.equal('nosniff');
	});
});
