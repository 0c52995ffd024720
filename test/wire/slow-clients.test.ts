/** Clients that keep connections open by being slow. */
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawHttp } from '../support/rawHttp.js';

const long = method({
	name: 'test.long',
	summary: 'Answers with more than the buffers of a socket hold',
	anonymous: true,
	rest: 'GET',
	args: {},
	returns: Match.Any,
	run: () => Array.from({ length: 20_000 }, (_, i) => `${i} ${'x'.repeat(1000)}`),
});

describe('a slow client', () => {
	let app: TestApp;
	before(async () => {
		app = await startApp({ methods: [long], timeouts: { headers: 200, request: 400, keepAlive: 200 } });
	});
	after(() => app.close());

	it('is disconnected if it sends nothing', async () => {
		expect(await RawHttp.to(app.url).untilClosed()).to.match(/^HTTP\/1\.1 408 Request Timeout\r\n/);
	});

	it('is disconnected if it keeps sending headers', async () => {
		const client = RawHttp.to(app.url).send('GET /api/info HTTP/1.1\r\nHost: x\r\n');
		const dripping = setInterval(() => client.send('X-A: b\r\n'), 20);
		const answer = await client.untilClosed();
		clearInterval(dripping);
		expect(answer).to.match(/^HTTP\/1\.1 408 /);
		expect(answer).to.include('{"success":false,"error":"Request Timeout"}');
	});

	it('is disconnected if it keeps sending a body byte by byte', async () => {
		const head =
			'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n';
		const client = RawHttp.to(app.url).send(head);
		const dripping = setInterval(() => client.send(' '), 20);
		const answer = await client.untilClosed();
		clearInterval(dripping);
		expect(answer).to.match(/^HTTP\/1\.1 408 /);
	});

	it('is disconnected if it sends no further request after its answer', async () => {
		const answer = await RawHttp.to(app.url).send('GET /api/info HTTP/1.1\r\nHost: x\r\n\r\n').untilClosed();
		expect(answer).to.match(/^HTTP\/1\.1 200 /);
	});

	it('is disconnected if it does not read a large answer', async () => {
		const client = RawHttp.to(app.url).send('GET /api/v1/test.long HTTP/1.1\r\nHost: x\r\n\r\n');
		client.socket.pause();
		// While a client does not read, only a write shows it that the connection is closed. The server ignores line ends
		// between requests.
		const writing = setInterval(() => client.send('\r\n'), 20);
		await client.untilClosed();
		clearInterval(writing);
		expect(client.text).to.equal('');
	});

	it('does not delay the answers to a fast client', async () => {
		const slow = RawHttp.to(app.url).send('GET /api/info HTTP/1.1\r\n');
		expect((await fetch(`${app.url}/api/info`)).status).to.equal(200);
		await slow.untilClosed();
	});
});
