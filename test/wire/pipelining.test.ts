/** Answers to pipelined requests keep their order. */
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawHttp, upgradeRequest } from '../support/rawHttp.js';

describe('pipelined requests', () => {
	let app: TestApp;
	let endWait: (answer: string) => void;
	let begun: Promise<void>;
	let onBegin: () => void;

	const wait = method({
		name: 'test.wait',
		summary: 'Answers when the test says so',
		anonymous: true,
		rest: 'GET',
		args: {},
		run: () =>
			new Promise<string>((resolve) => {
				endWait = resolve;
				onBegin();
			}),
	});
	const echo = method({
		name: 'test.echo',
		summary: 'for a test',
		anonymous: true,
		rest: 'POST',
		args: { value: Match.Any },
		run: ({ value }) => value,
	});

	before(async () => {
		app = await startApp({ methods: [wait, echo] });
	});
	after(() => app.close());
	beforeEach(() => {
		begun = new Promise((resolve) => {
			onBegin = resolve;
		});
	});

	const WAIT = 'GET /api/v1/test.wait HTTP/1.1\r\nHost: x\r\n\r\n';
	const BODY = '{"value":"second"}';
	const POST = 'POST /api/v1/test.echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
	const ECHO = `${POST}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
	const BAD_CHUNK = `${POST}Transfer-Encoding: chunked\r\n\r\nno size\r\n`;

	const statusesIn = (text: string) => Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status));

	/**
	 * Sends `WAIT`, `ECHO` and `last` at once.
	 * @returns what the server sends until it closes the connection, or until `untilText`
	 */
	async function answersWith(last: string, untilText?: string): Promise<string> {
		const client = RawHttp.to(app.url).send(WAIT + ECHO + last);
		await begun;
		endWait('first');
		if (untilText === undefined) return client.untilClosed();
		while (!client.text.includes(untilText)) {
			await new Promise((resolve) => client.socket.once('data', resolve));
		}
		client.socket.destroy();
		return client.text;
	}

	function expectBoth(text: string): void {
		expect(text.indexOf('"result":"first"'), text).to.be.greaterThan(0);
		expect(text.indexOf('"result":"second"'), text).to.be.greaterThan(text.indexOf('"result":"first"'));
	}

	it('are answered before an upgrade to WebSocket', async () => {
		const text = await answersWith(upgradeRequest('/websocket'), '101 Switching Protocols');
		expect(statusesIn(text)).to.deep.equal([200, 200, 101]);
		expectBoth(text);
	});

	it('are answered before an upgrade is refused', async () => {
		const text = await answersWith(upgradeRequest('/nowhere'));
		expect(statusesIn(text)).to.deep.equal([200, 200, 404]);
		expectBoth(text);
	});

	it('are answered before a later request that offers another protocol', async () => {
		const offer = 'Upgrade: h2c\r\nConnection: upgrade, close\r\n\r\n';
		const text = await answersWith(`GET /nowhere HTTP/1.1\r\nHost: x\r\n${offer}`);
		expect(statusesIn(text)).to.deep.equal([200, 200, 404]);
		expectBoth(text);
	});

	for (const [name, last] of [
		['a malformed request', 'BAD\r\n\r\n'],
		['a request with a malformed body', BAD_CHUNK],
	] as const) {
		it(`are answered before the error of ${name}, which comes last`, async () => {
			const text = await answersWith(last);
			expect(statusesIn(text)).to.deep.equal([200, 200, 400]);
			expectBoth(text);
		});
	}

	it('are answered before a malformed request that more data follows', async () => {
		const client = RawHttp.to(app.url).send(`${WAIT}BAD\r\n\r\n`);
		await begun;
		// The server answers the fetch after it has read what was sent before.
		for (let i = 0; i < 3; i++) {
			client.send('more\r\n\r\n');
			await fetch(`${app.url}/api/info`);
		}
		endWait('first');
		const text = await client.untilClosed();
		expect(statusesIn(text)).to.deep.equal([200, 400]);
		expect(text).to.include('"result":"first"');
	});

	it('are answered completely before an upgrade, also with a large answer', async () => {
		const client = RawHttp.to(app.url).send(WAIT + upgradeRequest('/websocket'));
		await begun;
		endWait('x'.repeat(20_000_000));
		while (!client.text.includes('101 Switching Protocols')) {
			await new Promise((resolve) => client.socket.once('data', resolve));
		}
		client.socket.destroy();
		expect(client.text.length).to.be.greaterThan(20_000_000);
		expect(client.text.indexOf('"success":true')).to.be.lessThan(client.text.indexOf('101 Switching'));
	});

	it('are not needed when a malformed body is refused', async () => {
		expect(statusesIn(await RawHttp.to(app.url).send(BAD_CHUNK).untilClosed())).to.deep.equal([400]);
	});
});
