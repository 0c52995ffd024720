/** TLS by `--tls-cert` and `--tls-key`. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import type { OptionError } from '../../server/options/optionError.js';
import { openServer } from '../../server/start/openServer.js';
import type { RoomkeyServer } from '../../server/start/roomkeyServer.js';
import { memoryLog } from '../support/log.js';
import { RawHttp, upgradeRequest } from '../support/rawHttp.js';
import { rejection } from '../support/rejection.js';
import { parseScrape, scrape } from '../support/scrape.js';

const fixture = (name: string) => path.resolve('test/fixtures/tls', name);

describe('a server with TLS', () => {
	let folder: string;
	let cert: string;
	let key: string;
	let log: ReturnType<typeof memoryLog>;
	let server: RoomkeyServer;

	const install = (name: string) =>
		Promise.all([copyFile(fixture(`${name}.cert.pem`), cert), copyFile(fixture(`${name}.key.pem`), key)]);

	const open = (more: object = {}) =>
		openServer({ port: 0, store: { memory: true }, keys: true, grace: 100, log, tlsCert: cert, tlsKey: key, ...more });

	before(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'roomkey-tls-'));
		cert = path.join(folder, 'cert.pem');
		key = path.join(folder, 'key.pem');
	});
	beforeEach(async () => {
		log = memoryLog();
		await install('first');
		// `headersTimeout` also limits the handshake.
		server = await open({ headersTimeout: 300 });
	});
	afterEach(() => server.close());
	after(() => rm(folder, { recursive: true }));

	async function handshake(): Promise<TLSSocket> {
		const socket = connectTls({ port: Number(new URL(server.url).port), host: '127.0.0.1', rejectUnauthorized: false });
		await once(socket, 'secureConnect');
		return socket;
	}
	async function servedName(): Promise<string | undefined> {
		const socket = await handshake();
		const { CN } = socket.getPeerCertificate().subject;
		socket.destroy();
		return String(CN);
	}

	it('serves REST, and tells browsers to use only HTTPS for this host', async () => {
		expect(server.url).to.match(/^https:\/\/127\.0\.0\.1:\d+$/);
		const request = get(`${server.url}/api/info`, { ca: await readFile(cert) });
		const [response] = await once(request, 'response');
		response.resume();
		expect(response.statusCode).to.equal(200);
		expect(response.headers['strict-transport-security']).to.equal('max-age=15552000');
	});

	it('serves WebSockets', async () => {
		const socket = new WebSocket(`${server.url.replace('https', 'wss')}/websocket`, { ca: await readFile(cert) });
		await once(socket, 'open');
		socket.send('{"msg":"connect","version":"1","support":["1"]}');
		const [message] = await once(socket, 'message');
		expect(String(message)).to.include('"connected"');
		socket.terminate();
	});

	it('transfers many messages over a WebSocket in their order', async () => {
		const socket = new WebSocket(`${server.url.replace('https', 'wss')}/websocket`, { ca: await readFile(cert) });
		await once(socket, 'open');
		const ids = Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat(200)}`);
		const received: string[] = [];
		const complete = new Promise<void>((resolve) => {
			socket.on('message', (data) => {
				const { msg, id } = JSON.parse(String(data));
				if (msg === 'pong') received.push(id);
				if (received.length === ids.length) resolve();
			});
		});
		socket.send('{"msg":"connect","version":"1","support":["1"]}');
		for (const id of ids) socket.send(JSON.stringify({ msg: 'ping', id }));
		await complete;
		expect(received).to.deep.equal(ids);
		socket.terminate();
	});

	it('answers a request that offers an unknown upgrade', async () => {
		const offer = 'Host: x\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n';
		const client = new RawHttp(await handshake()).send(`GET /api/info HTTP/1.1\r\n${offer}`);
		expect(await client.untilClosed()).to.match(/^HTTP\/1\.1 200 OK/);
	});

	it('does not count a page that was loaded without TLS as its own', async () => {
		await server.close();
		server = await open({ allowedOrigins: 'own' });
		for (const [origin, status] of [
			['https://chat.example.com', 101],
			['http://chat.example.com', 403],
		] as const) {
			const socket = await handshake();
			socket.write(upgradeRequest('/websocket', { host: 'chat.example.com', origin }));
			const [answer] = await once(socket, 'data');
			expect(String(answer).slice(0, 12)).to.equal(`HTTP/1.1 ${status}`);
			socket.destroy();
		}
	});

	it('disconnects a client that does not complete the handshake', async () => {
		const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
		await once(socket, 'close');
	});

	it('closes without waiting for a client that does not complete the handshake', async () => {
		await server.close();
		server = await open({ headersTimeout: 60_000 });
		const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
		await once(socket, 'connect');
		const closed = once(socket, 'close');
		await server.close();
		await closed;
	});

	it('uses a reloaded certificate for new connections; open connections stay', async () => {
		const socket = await handshake();
		expect(await servedName()).to.equal('first.test');
		await install('second');
		expect(await server.reloadCertificate()).to.equal(true);
		expect(await servedName()).to.equal('second.test');
		const client = new RawHttp(socket).send('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
		expect(await client.untilClosed()).to.match(/^HTTP\/1\.1 200 OK/);
	});

	it('accepts PEM files with text before, between and after the certificates', async () => {
		const whole = await readFile(fixture('first.cert.pem'), 'utf8');
		await writeFile(cert, `# first\n${whole}# another - one\n${whole}# end -----\n`);
		expect(await server.reloadCertificate()).to.equal(true);
	});

	it('keeps its certificate, and logs why, if the new one cannot be used', async () => {
		const whole = await readFile(fixture('second.cert.pem'), 'utf8');
		const attempts: [() => Promise<unknown>, RegExp][] = [
			[() => copyFile(fixture('second.cert.pem'), cert), /are not a certificate and its key/],
			[() => writeFile(cert, whole.slice(0, 300)), /is not a complete PEM file/],
			[() => writeFile(cert, `${whole}-----BEGIN CERTIF`), /is not a complete PEM file/],
			[() => writeFile(cert, `${whole}# a comment\n-----BE`), /is not a complete PEM file/],
			[() => writeFile(cert, ''), /is not a complete PEM file/],
			[() => writeFile(cert, whole.replace(/[A-Za-z]{20}/, 'A')), /are not a certificate and its key/],
			[() => rm(cert), /cannot be read: ENOENT/],
		];
		for (const [prepare, reason] of attempts) {
			await prepare();
			const before = log.lines.length;
			expect(await server.reloadCertificate()).to.equal(false);
			const [line] = log.lines.slice(before);
			expect(line).to.include({ level: 'error', text: 'The new TLS certificate cannot be used; the one in use stays' });
			expect(String((line?.facts as { err?: Error } | undefined)?.err?.message)).to.match(reason);
			expect(await servedName()).to.equal('first.test');
		}
	});

	it('sends no HSTS header on the TLS server of an application', async () => {
		const http = createServer({ cert: await readFile(cert), key: await readFile(key) });
		const mounted = await openServer({ server: http, store: { memory: true }, grace: 0, log });
		await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
		const url = `https://127.0.0.1:${(http.address() as AddressInfo).port}/api/info`;
		const [response] = await once(get(url, { ca: await readFile(cert), agent: false }), 'response');
		response.resume();
		expect(response.headers).to.include({ 'x-content-type-options': 'nosniff' });
		expect(response.headers).not.to.have.property('strict-transport-security');
		await mounted.close();
		http.close();
		http.closeAllConnections();
	});

	it('shows in the metrics when its certificate expires, also after a reload', async () => {
		const expiry = async () => {
			const [response] = await once(
				get(`${server.url}/metrics`, { agent: false, rejectUnauthorized: false }),
				'response',
			);
			const { samples } = parseScrape(await text(response));
			return samples.filter(({ name }) => name === 'roomkey_certificate_expiry_timestamp_seconds');
		};
		const ofFile = async (name: string) =>
			Date.parse(new X509Certificate(await readFile(fixture(`${name}.cert.pem`))).validTo) / 1000;
		const labels = { certificate: 'server' };
		const metric = { name: 'roomkey_certificate_expiry_timestamp_seconds', labels };
		expect(await expiry()).to.deep.equal([{ ...metric, value: await ofFile('first') }]);
		// A server answers all scrapes of a second with the same text.
		await server.close();
		server = await open();
		// The metric shows the earliest expiry in the file, here that of `expired`.
		const chain = await Promise.all(['second', 'expired'].map((name) => readFile(fixture(`${name}.cert.pem`), 'utf8')));
		await Promise.all([writeFile(cert, chain.join('')), copyFile(fixture('second.key.pem'), key)]);
		expect(await server.reloadCertificate()).to.equal(true);
		expect(await expiry()).to.deep.equal([{ ...metric, value: await ofFile('expired') }]);
		await server.close();
		server = await open({ tlsCert: undefined, tlsKey: undefined });
		const plain = await scrape(server.url);
		expect(plain.labelsOf(metric.name)).to.equal(undefined);
	});

	it('shows when the certificate for NATS expires', async () => {
		const data = path.join(folder, 'data');
		const files = { natsCert: fixture('second.cert.pem'), natsKey: fixture('second.key.pem') };
		await server.close();
		server = await open({
			tlsCert: undefined,
			tlsKey: undefined,
			store: { data },
			nats: 'nats://127.0.0.1:1',
			...files,
		});
		const value = Date.parse(new X509Certificate(await readFile(files.natsCert)).validTo) / 1000;
		const { samples } = await scrape(server.url);
		expect(samples.filter(({ name }) => name === 'roomkey_certificate_expiry_timestamp_seconds')).to.deep.equal([
			{ name: 'roomkey_certificate_expiry_timestamp_seconds', labels: { certificate: 'nats' }, value },
		]);
	});

	it('warns of an expired certificate, and of an expired authority in the file', async () => {
		const expired = { level: 'warn', text: 'The TLS certificate has expired' };
		await install('expired');
		expect(await server.reloadCertificate()).to.equal(true);
		expect(log.lines.at(-1)).to.include(expired);
		await install('second');
		expect(await server.reloadCertificate()).to.equal(true);
		expect(log.lines.at(-1)).to.include({ level: 'info' });
		await appendFile(cert, await readFile(fixture('expired.cert.pem')));
		expect(await server.reloadCertificate()).to.equal(true);
		expect(log.lines.at(-1)).to.include({
			level: 'warn',
			text: 'The TLS certificate is valid, but one of its authorities in the file has expired',
		});
	});

	it('does not start with files that it cannot use', async () => {
		for (const [more, message] of [
			[{ tlsKey: fixture('second.key.pem') }, /are not a certificate and its key/],
			[{ tlsCert: `${cert}.none` }, /cert\.pem\.none cannot be read: ENOENT/],
			[{ tlsKey: undefined }, /^tls-cert and tls-key need each other$/],
			[{ listen: false }, /^leave out tls-cert and tls-key: the HTTP server of the application/],
		] as const) {
			const error = (await rejection(open(more))) as OptionError;
			expect(error.name).to.equal('OptionError');
			expect(error.message).to.match(message);
		}
	});
});
