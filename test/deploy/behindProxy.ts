/** The tests of Roomkey behind a proxy that terminates TLS. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import path from 'node:path';
import { expect } from 'chai';
import SockJS from 'sockjs-client';
import { WebSocket } from 'ws';
import { blockWith } from '../docs/pages.js';
import { freePort } from '../support/freePort.js';
import { type Program, startRoomkey } from './processes.js';

export const CERTIFICATE = path.resolve('test/fixtures/tls/first.cert.pem');
export const KEY = path.resolve('test/fixtures/tls/first.key.pem');
const ca = readFileSync(CERTIFICATE);

/** The address of the clients. The proxy has 127.0.0.1. */
const CLIENT = '127.0.0.9';

/** The credentials of alice, a user of the demo. */
const CREDENTIALS = {
	'x-user-id': 'd26x6zSkaPSe5gCyy',
	'x-auth-token': 'Di9OKWzdu7V2vW3lHO0oYLOOr6P2Y0n9zQlx20qn2cU',
};

interface Answer {
	readonly status: number | undefined;
	readonly headers: IncomingHttpHeaders;
	readonly text: string;
}

async function connectDdp(port: number, headers: Record<string, string> = {}): Promise<WebSocket> {
	const socket = new WebSocket(`wss://localhost:${port}/websocket`, { ca, headers, localAddress: CLIENT, family: 4 });
	await once(socket, 'open');
	socket.send('{"msg":"connect","version":"1","support":["1"]}');
	const [message] = await once(socket, 'message');
	expect(String(message)).to.include('"connected"');
	return socket;
}

/** Defines the tests. @param startProxy starts the proxy with TLS on `port`, in front of Roomkey on `upstream` */
export function describeProxy(name: string, startProxy: (port: number, upstream: number) => Promise<Program>): void {
	describe(`Roomkey behind ${name}`, () => {
		let roomkey: Program;
		let proxy: Program;
		let upstream: number;
		let port: number;

		before(async () => {
			[upstream, port] = [await freePort(), await freePort()];
			roomkey = await startRoomkey(upstream, '--allowed-origins', 'own');
			proxy = await startProxy(port, upstream);
			await proxy.listening(port);
		});
		after(async () => {
			await proxy?.stop();
			await roomkey?.stop();
		});

		async function ask(
			url: string,
			options: { method?: string; headers?: Record<string, string>; body?: string } = {},
		): Promise<Answer> {
			const { body, ...rest } = options;
			const request = httpsRequest({
				...rest,
				host: 'localhost',
				port,
				path: url,
				ca,
				localAddress: CLIENT,
				family: 4,
			});
			request.end(body);
			const [response] = await once(request, 'response');
			let text = '';
			for await (const chunk of response) text += chunk;
			return { status: response.statusCode, headers: response.headers, text };
		}

		it('answers REST over TLS, with security headers and HSTS', async () => {
			const { status, headers, text } = await ask('/api/v1/me', { headers: CREDENTIALS });
			expect(status).to.equal(200);
			expect(JSON.parse(text)).to.include({ username: 'alice' });
			expect(headers).to.include({ 'x-content-type-options': 'nosniff' });
			expect(headers['strict-transport-security']).to.equal('max-age=15552000');
		});

		it('serves the reference page and the probes, but not the metrics', async () => {
			for (const [url, status] of [
				['/api-docs', 200],
				['/readyz', 200],
				['/metrics', 404],
				['/metrics/', 404],
				['/%6detrics/', 404],
			] as const) {
				expect((await ask(url)).status, url).to.equal(status);
			}
			expect((await ask('/metrics')).text).not.to.include('roomkey_');
			const metrics = await fetch(`http://127.0.0.1:${upstream}/metrics`);
			expect(await metrics.text()).to.include('roomkey_build_info');
		});

		it('passes a body of 3 MB to the method', async () => {
			const body = JSON.stringify({ usersSuggestedGroupKeys: {}, padding: 'x'.repeat(3_000_000) });
			const headers = { ...CREDENTIALS, 'content-type': 'application/json' };
			const { status, text } = await ask('/api/v1/e2e.provideUsersSuggestedGroupKeys', {
				method: 'POST',
				headers,
				body,
			});
			// A refusal that names `padding` comes from the method, not from the proxy or a size limit.
			expect(status).to.equal(400);
			expect(text).to.include('padding');
		});

		it('serves DDP over WebSocket to programs and to pages of the same origin', async () => {
			const headersOfClients: Record<string, string>[] = [{}, { origin: `https://localhost:${port}` }];
			for (const headers of headersOfClients) {
				const socket = await connectDdp(port, headers);
				socket.send('{"msg":"ping","id":"1"}');
				const [message] = await once(socket, 'message');
				expect(JSON.parse(String(message))).to.deep.equal({ msg: 'pong', id: '1' });
				socket.close();
				await once(socket, 'close');
			}
		});

		it('refuses a page of another origin', async () => {
			const options = { ca, headers: { origin: 'https://evil.example' } };
			const socket = new WebSocket(`wss://localhost:${port}/websocket`, options);
			const [, response] = await once(socket, 'unexpected-response');
			expect(response.statusCode).to.equal(403);
			response.destroy();
		});

		for (const transport of ['websocket', 'xhr-polling']) {
			it(`serves SockJS over ${transport}`, async () => {
				// SockJS trusts the certificate only because of NODE_EXTRA_CA_CERTS in `run.sh`.
				const socket = new SockJS(`https://localhost:${port}/sockjs`, null, { transports: transport });
				await new Promise((resolve, reject) => {
					socket.onopen = resolve;
					socket.onclose = reject;
				});
				const answer = new Promise((resolve) => {
					socket.onmessage = ({ data }) => resolve(data);
				});
				socket.send('{"msg":"connect","version":"1","support":["1"]}');
				expect(await answer).to.include('"connected"');
				socket.onclose = null;
				socket.close();
			});
		}

		it('logs the address of the client, not the one in its `X-Forwarded-For`', async () => {
			const headers = { 'content-type': 'application/json', 'x-forwarded-for': '9.9.9.9' };
			const body = '{"user":"alice","password":"wrong"}';
			expect((await ask('/api/v1/login', { method: 'POST', headers, body })).status).to.equal(401);
			await roomkey.printed(`"clientAddress":"${CLIENT}"`);
			const socket = await connectDdp(port, { 'x-forwarded-for': '9.9.9.9' });
			socket.send('{"msg":"method","method":"login","id":"over-ddp","params":[{"resume":"wrong"}]}');
			await roomkey.printed('"over-ddp"');
			socket.terminate();
			const lines = roomkey.output.split('\n').filter((line) => line.includes('"method":"login"'));
			expect(lines).to.have.length.of.at.least(2);
			for (const line of lines) expect(JSON.parse(line)).to.have.property('clientAddress', CLIENT);
			expect(roomkey.output).not.to.include('9.9.9.9');
		});

		it('passes the checks of docs/deploying.md', async () => {
			const before = roomkey.output.length;
			// `curl` uses the address of the clients. `journalctl` prints what Roomkey has logged in this test.
			const run = (block: string, functions = '') => {
				const env = { ...process.env, CURL_CA_BUNDLE: CERTIFICATE, LOG: roomkey.output.slice(before) };
				const script = `curl() { command curl --interface ${CLIENT} -4 "$@"; }\n${functions}\n${block}`;
				return execFileSync('bash', ['-c', script], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
			};
			const block = blockWith('docs/deploying.md', 'SITE=').replace('chat.example.com', `localhost:${port}`);
			const [ready, info, upgrade, metrics, login] = run(block).split(/\r?\n/);
			expect([ready, upgrade, metrics]).to.deep.equal(['ready', 'HTTP/1.1 101 Switching Protocols', '404']);
			expect(JSON.parse(`${info}`)).to.include({ success: true });
			expect(JSON.parse(`${login}`)).to.include({ status: 'error', error: 403 });
			await roomkey.printed('"method":"login"', before);
			const line = run(blockWith('docs/deploying.md', 'journalctl'), 'journalctl() { printf %s "$LOG"; }');
			expect(JSON.parse(line)).to.include({ method: 'login', outcome: 'refused', clientAddress: CLIENT });
		});

		it('is reached again after a restart, while the proxy runs on', async () => {
			const socket = await connectDdp(port);
			const closed = once(socket, 'close');
			expect(await roomkey.stop()).to.equal(0);
			expect((await closed)[0]).to.equal(1001);
			expect((await ask('/api/info')).status).to.equal(502);
			roomkey = await startRoomkey(upstream, '--allowed-origins', 'own');
			expect((await ask('/api/info')).status).to.equal(200);
			(await connectDdp(port)).terminate();
		});
	});
}
