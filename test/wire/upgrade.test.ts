/** The server ignores the offer of an upgrade other than to WebSocket (RFC 9110, 7.8). */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';

const echo = method({
	name: 'test.echo',
	summary: 'for a test',
	anonymous: true,
	rest: 'POST',
	args: { value: Match.Any },
	run: ({ value }) => value,
});

describe('a request that offers an upgrade', () => {
	let app: TestApp;
	before(async () => {
		app = await startApp({ methods: [echo] });
	});
	after(() => app.close());

	/** @returns all that the server sends until it closes the socket */
	async function raw(...pieces: string[]): Promise<string> {
		const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
		let text = '';
		socket.on('data', (data) => {
			text += data;
		});
		for (const piece of pieces) await new Promise<unknown>((resolve) => socket.write(piece, resolve));
		await once(socket, 'close');
		return text;
	}

	const h2c = 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings';

	it('is answered as a plain GET if it offers HTTP/2', async () => {
		const answer = await raw(
			`GET /api/info HTTP/1.1\r\nHost: x\r\n${h2c}\r\n\r\n`,
			'GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
		);
		expect(answer)
			.to.match(/^HTTP\/1\.1 200 OK/)
			.and.include('"success":true');
		expect(answer).to.include('HTTP/1.1 404 Not Found').and.include('Resource not found');
	});

	it('is answered as a plain POST if it offers HTTP/2, whenever its body comes', async () => {
		const body = JSON.stringify({ value: 'é' });
		const [first, second] = [body.slice(0, 5), body.slice(5)];
		const head =
			`POST /api/v1/test.echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
			`Content-Length: ${Buffer.byteLength(body)}\r\n${h2c}, close\r\n\r\n`;
		for (const pieces of [[head + body], [head, body], [head + first, second]]) {
			expect(await raw(...pieces))
				.to.match(/^HTTP\/1\.1 200 OK/)
				.and.include('{"result":"é","success":true}');
		}
	});

	for (const offer of ['TLS/1.0', 'foo/1', 'h2c']) {
		it(`is answered as a plain GET if it offers ${offer} at /websocket`, async () => {
			const answer = await raw(
				`GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: ${offer}\r\nConnection: upgrade, close\r\n\r\n`,
			);
			expect(answer)
				.to.match(/^HTTP\/1\.1 400/)
				.and.include('Not a valid websocket request');
		});
	}

	it('is recognized in whatever case the header is written', async () => {
		const answer = await raw(
			'GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 5\r\n\r\n',
		);
		expect(answer).to.include('Only supported WebSocket protocol is RFC 6455.');
	});

	it('is refused with JSON if it offers WebSocket on another path', async () => {
		const answer = await raw('GET /api/v1/me HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n');
		expect(answer)
			.to.match(/^HTTP\/1\.1 404 Not Found/)
			.and.include('{"success":false,"error":"Resource not found"}');
	});
});
