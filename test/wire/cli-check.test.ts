/** The report and the exit code of `roomkey check`. */
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { certificateFault } from '../../server/cli/connectionFault.js';
import { openServer } from '../../server/start/openServer.js';
import { openFolder } from '../../server/store/folder.js';
import { startApp } from '../support/app.js';
import { runAsProcess, runInProcess } from '../support/command.js';
import { memoryLog } from '../support/log.js';

const tlsCert = resolve('test/fixtures/tls/first.cert.pem');
const tlsKey = resolve('test/fixtures/tls/first.key.pem');

interface Report {
	readonly status: 'ok' | 'failed';
	readonly checks: readonly { readonly part: string; readonly status: string; readonly note: string }[];
}

describe('roomkey check', () => {
	let folder: string;
	let data: string;
	const servers: Server[] = [];

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
		data = join(folder, 'data');
		await (await openFolder(data)).close();
	});
	afterEach(async () => {
		for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
		await rm(folder, { recursive: true });
	});

	/** Runs `roomkey check`, by default with a port at which no server answers. */
	async function check(args: readonly string[], env: NodeJS.ProcessEnv = { PORT: '1' }) {
		const { status, out } = await runInProcess(['check', '--json', ...args], { env });
		const report = JSON.parse(out) as Report;
		expect(report.status).to.equal(status === 0 ? 'ok' : 'failed');
		const parts: Record<string, string> = {};
		// A part has several lines if it has several faults.
		for (const { part, status, note } of report.checks)
			parts[part] = `${part in parts ? `${parts[part]}\n` : ''}${status}: ${note}`;
		return { status, parts };
	}

	async function startServer(listener: RequestListener): Promise<string> {
		const server = createServer(listener);
		servers.push(server);
		await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
		return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}

	const startWithTls = () =>
		openServer({ port: 0, store: { memory: true }, keys: true, grace: 0, log: memoryLog(), tlsCert, tlsKey });

	it('finds no fault in a folder that no server uses', async () => {
		const { status, parts } = await check(['--data', data]);
		expect(status).to.equal(0);
		const { server, ...others } = parts;
		expect(server).to.match(
			/^off: No server answers at http:\/\/127.0.0.1:1: .*If the server has another address, give it with --url, or its port with PORT$/,
		);
		expect(others).to.deep.equal({
			folder: `ok: ${data} is complete`,
			'folder: disk': 'ok: It has enough space',
			indexes: 'ok: All are there',
			settings: 'ok: Those in the environment are valid',
			clock: 'off: No server or database to compare it with',
		});
	});

	it('names the process that uses the folder', async () => {
		const open = await openFolder(data);
		const { status, out, err } = await runAsProcess(['check', '--data', data], { env: { PORT: '1' } });
		expect({ status, err }).to.deep.equal({ status: 0, err: '' });
		expect(out)
			.to.match(/^PART +STATUS +NOTE\n/)
			.and.include(`is in use by the process ${process.pid}`);
		await open.close();
	});

	it('asks a server for its health', async () => {
		const server = await startApp();
		const { status, parts } = await check(['--data', data, '--url', server.url]);
		expect(status).to.equal(0);
		expect(parts.server).to.match(/^ok: .* is ready since /);
		expect(parts['server: store']).to.match(/^ok: /);
		expect(parts['server: disk']).to.match(/^off: /);
		expect(parts.clock).to.equal('ok: It agrees with that of the server');
		await server.close();
	});

	it('says what to do if the folder was removed under a running server', async () => {
		const server = await openServer({ port: 0, store: { data }, grace: 0, log: memoryLog() });
		const port = new URL(server.url).port;
		const elsewhere = join(folder, 'elsewhere');
		await rename(data, elsewhere);
		const { status, parts } = await check(['--data', data], { PORT: port });
		expect(status).to.equal(1);
		expect(parts['server: disk']).to.match(/^failed: The data folder is not there/);
		expect(parts.folder).to.equal(
			`failed: ${data} holds no data: the server has lost this folder. Stop it, restore a backup, and start it again`,
		);
		await rename(elsewhere, data);
		await server.close();
		await rm(data, { recursive: true });
		// This server reports a full disk, so it has not lost its folder.
		const checks = { disk: { status: 'failed', since: 'today', reason: 'The disk has 3 MiB left; 64 MiB are needed' } };
		const full = await startServer((_, response) => {
			response.writeHead(503).end(JSON.stringify({ status: 'not ready', since: 'today', checks }));
		});
		expect((await check(['--data', data, '--url', full])).parts.folder).to.match(
			/^off: .* holds no data; a server makes/,
		);
	});

	it('fails if the server of --url is absent, not Roomkey, or not ready', async () => {
		expect((await check(['--data', data, '--url', 'http://127.0.0.1:1'])).parts.server).to.match(/^failed: No server/);
		for (const answer of ['{}', '<html>', '{"checks":{"disk":null}}', '{"checks":{"disk":[]}}']) {
			const other = await startServer((_, response) => response.end(answer));
			expect((await check(['--data', data, '--url', other])).parts.server).to.equal(
				`failed: The server at ${other} is not Roomkey: its answer is no health report`,
			);
		}
		const withoutApi = await startServer((_, response) => response.writeHead(404).end('<html>'));
		expect((await check(['--data', data, '--url', `${withoutApi}/api/v1/`])).parts.server).to.equal(
			`failed: No Roomkey API at ${withoutApi}/api/v1: give the address without /api/v1 (with the --path-prefix of the server, if it has one)`,
		);
		// Without --url, another program at the port is no failure.
		expect((await check(['--data', data], { PORT: new URL(withoutApi).port })).parts.server).to.equal(
			`off: No Roomkey API at ${withoutApi}: give the address with the --path-prefix of the server, if it has one. If the server has another address, give it with --url, or its port with PORT`,
		);
		const checks = { store: { status: 'failed', since: 'today', reason: 'Gone' } };
		const notReady = await startServer((_, response) => {
			response.writeHead(503).end(JSON.stringify({ status: 'not ready', since: 'today', checks }));
		});
		const { status, parts } = await check(['--data', data], { ROOMKEY_URL: notReady });
		expect(status).to.equal(1);
		expect(parts).to.deep.include({
			server: `failed: ${notReady} is not ready since today`,
			'server: store': 'failed: Gone',
		});
	});

	it('says what to do about a wrong scheme or an untrusted certificate', async () => {
		const server = await startWithTls();
		const { port } = new URL(server.url);
		const plain = `http://127.0.0.1:${port}`;
		const byPort = await check(['--data', data], { PORT: port });
		expect(byPort.parts.server)
			.to.match(/^off: /)
			.and.include(
				`. If it speaks TLS, give --url https://127.0.0.1:${port}. If the server has another address, give it with --url, or its port with PORT`,
			);
		expect((await check(['--data', data, '--url', plain])).parts.server).to.match(/^failed: .* speaks TLS, give --url/);
		const withPrefix = await check(['--data', data, '--url', `${plain}/chat`]);
		expect(withPrefix.parts.server).to.include(`give --url https://127.0.0.1:${port}/chat`);
		const untrusted = `The certificate of ${server.url} is not trusted`;
		const remedy = 'name the file of its authority in NODE_EXTRA_CA_CERTS';
		const byUrl = await check(['--data', data, '--url', server.url]);
		expect(byUrl.parts.server).to.include(`failed: ${untrusted}`).and.include(remedy);
		const env = { ROOMKEY_TOKEN: 'a-token' };
		const { status, err } = await runInProcess(['user', 'list', '--url', server.url], { env });
		expect(status).to.equal(1);
		expect(err).to.include(untrusted).and.include(remedy).and.not.include('No Roomkey server');
		await server.close();
		const withoutTls = await startServer((_, response) => response.end('{}'));
		const https = withoutTls.replace('http:', 'https:');
		expect((await check(['--data', data, '--url', https])).parts.server).to.include(
			`If it speaks no TLS, give --url ${withoutTls}`,
		);
	});

	it('fails if the certificate has another name or an unknown authority', async () => {
		const server = await startWithTls();
		const port = Number(new URL(server.url).port);
		const file = join(folder, 'roomkey.json');
		await writeFile(file, JSON.stringify({ data, port, 'tls-cert': tlsCert, 'tls-key': tlsKey }));
		const { status, parts } = await check(['--config', file], {});
		expect(status).to.equal(1);
		expect(parts.server)
			.to.match(/^failed: The certificate of https:.* is not trusted/)
			.and.include(`. Give the host name in the certificate: roomkey check --url https://HOST:${port}`);
		const error = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
		expect(certificateFault(error('ERR_TLS_CERT_ALTNAME_INVALID'))).to.equal('other-host');
		expect(certificateFault(error('ECONNREFUSED'))).to.equal(undefined);
		await server.close();
	});

	it('fails if the certificate has expired', async () => {
		const [cert, key] = ['cert', 'key'].map((kind) => readFileSync(`test/fixtures/tls/expired.${kind}.pem`));
		const server = createTlsServer({ cert, key }, (_, response) => response.end());
		servers.push(server);
		await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
		const file = join(folder, 'roomkey.json');
		const { port } = server.address() as AddressInfo;
		const [tlsCert, tlsKey] = ['cert', 'key'].map((kind) => resolve(`test/fixtures/tls/expired.${kind}.pem`));
		await writeFile(file, JSON.stringify({ data, port, 'tls-cert': tlsCert, 'tls-key': tlsKey }));
		const trustsAuthority = { NODE_EXTRA_CA_CERTS: tlsCert };
		const { status, out } = await runAsProcess(['check', '--json', '--config', file], { env: trustsAuthority });
		expect(status).to.equal(1);
		const { checks } = JSON.parse(out) as Report;
		expect(checks.find(({ part }) => part === 'server')).to.deep.equal({
			part: 'server',
			status: 'failed',
			note: `The certificate of https://127.0.0.1:${port} cannot be accepted: certificate has expired`,
		});
	});

	it('refuses an address without http:// or https://, and reports an invalid port', async () => {
		for (const url of ['127.0.0.1:38891', 'localhost:1', 'ftp://127.0.0.1', 'x']) {
			const refused = await runInProcess(['check', '--data', data, '--url', url]);
			expect(refused).to.deep.equal({
				status: 2,
				out: '',
				err: '--url or ROOMKEY_URL must be http://… or https://…',
			});
			expect(await runInProcess(['check', '--data', data], { env: { ROOMKEY_URL: url } })).to.deep.equal(refused);
		}
		const { status, parts } = await check(['--data', data], { PORT: 'x', BIND_IP: 'no host' });
		expect(status).to.equal(1);
		expect(parts.server).to.match(/^off: No server answers at /);
		expect(parts.settings).to.equal("failed: PORT must be a whole number from 0 to 65535, not 'x'");
	});

	it('names each fault of the settings in a line of its own', async () => {
		const file = join(folder, 'roomkey.json');
		const settings = { memory: true, port: 1, grace: -1, nonsense: 1, limits: { 'e2e.setRoomKeyId': '1/s' } };
		await writeFile(file, JSON.stringify({ ...settings, 'tls-cert': `${folder}/cert`, 'tls-key': `${folder}/key` }));
		const { status, parts } = await check(['--config', file], {});
		expect(status).to.equal(1);
		expect(parts.store).to.equal('off: The data is in memory');
		const faults = [
			`${file}: unknown setting 'nonsense'`,
			`${file}: 'grace' must be a whole number from 0 to 3600000, not -1`,
			`${file}: 'limits': there is no method 'e2e.setRoomKeyId'; did you mean 'e2e.setRoomKeyID'?`,
			`${folder}/cert cannot be read: ENOENT`,
			`${folder}/key cannot be read: ENOENT`,
		];
		expect(parts.settings?.split('\n')).to.deep.equal(faults.map((fault) => `failed: ${fault}`));
		const { out } = await runInProcess(['check', '--config', file]);
		const lines = out.split('\n').filter((line) => line.startsWith('settings'));
		expect(lines.map((line) => line.replace(/^settings +failed +/, ''))).to.deep.equal(faults);
		const served = await runInProcess(['--config', file]);
		expect(served.err).to.equal(`5 settings are wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
	});

	it('finds TLS files that do not belong together', async () => {
		const [cert, key] = ['first.cert', 'second.key'].map((name) => resolve(`test/fixtures/tls/${name}.pem`));
		const env = { PORT: '1', ROOMKEY_TLS_CERT: cert, ROOMKEY_TLS_KEY: key };
		const { status, parts } = await check(['--data', data], env);
		expect(status).to.equal(1);
		expect(parts.settings).to.match(/^failed: .*first.cert.pem and .*second.key.pem are not a certificate and its key/);
		expect(parts.settings).not.to.include('PRIVATE');
	});

	it('compares its clock with the clock of the server', async () => {
		const checkClockBehind = async (ms: number) => {
			const url = await startServer((_, response) => {
				response.setHeader('date', new Date(Date.now() - ms).toUTCString());
				response.end(JSON.stringify({ status: 'ready', since: 'today', checks: {} }));
			});
			return check(['--data', data, '--url', url]);
		};
		expect((await checkClockBehind(10_000)).parts.clock).to.match(
			/^warning: It differs from that of the server by \d+ s$/,
		);
		const { status, parts } = await checkClockBehind(60_000);
		expect(parts.clock).to.match(/^failed: It differs/);
		expect(status).to.equal(1);
	});

	it('compares the clocks at the time of the answer', async () => {
		const { now } = Date;
		const url = await startServer((_, response) => {
			// As if the answer took ten seconds.
			Date.now = () => now() + 10_000;
			response.setHeader('date', new Date(Date.now()).toUTCString());
			response.end(JSON.stringify({ status: 'ready', since: 'today', checks: {} }));
		});
		try {
			expect((await check(['--data', data, '--url', url])).parts.clock).to.match(/^ok: It agrees/);
		} finally {
			Date.now = now;
		}
	});

	it('finds settings that a server would refuse', async () => {
		const { status, parts } = await check(['--data', data], { PORT: '1', ROOMKEY_MAX_BODY: 'much' });
		expect(status).to.equal(1);
		expect(parts.settings).to.match(/^failed: ROOMKEY_MAX_BODY must be/);
		const file = join(folder, 'roomkey.json');
		await writeFile(file, JSON.stringify({ data, port: 1, limits: { nothing: '1/s' }, colour: 'red' }));
		expect((await check(['--config', file], {})).parts.settings).to.include("unknown setting 'colour'");
		await writeFile(file, JSON.stringify({ data, port: 1, limits: { nothing: '1/s' } }));
		expect((await check(['--config', file], {})).parts.settings).to.match(/^failed: .*no method 'nothing'/);
		await writeFile(file, JSON.stringify({ data, port: 1, limits: { me: '1/s' } }));
		const right = await check(['--config', file], {});
		expect(right.status).to.equal(0);
		expect(right.parts).to.include({
			settings: `ok: Those in the environment and in ${file} are valid`,
			folder: `ok: ${data} is complete`,
		});
	});

	it('finds a file with a password that others can read', async () => {
		const file = join(folder, 'roomkey.json');
		await writeFile(file, JSON.stringify({ data, port: 1, 'admin-pass': 'a-long-password' }), { mode: 0o644 });
		const { settings } = (await check(['--config', file], {})).parts;
		expect(settings)
			.to.match(/^warning: .*chmod 600/)
			.and.not.include('a-long-password');
		await chmod(file, 0o600);
		expect((await check(['--config', file], {})).parts.settings).to.match(/^ok/);
	});

	it('finds a folder that others can enter, or that is damaged or missing', async () => {
		await chmod(data, 0o755);
		expect((await check(['--data', data])).parts['folder: access']).to.match(/^warning: .*chmod 700/);
		await truncate(join(data, 'data.mdb'), 4096);
		const damaged = await check(['--data', data]);
		expect(damaged.status).to.equal(1);
		expect(damaged.parts.folder).to.match(/^failed: .* was cut/);
		expect((await check(['--data', join(folder, 'none')])).parts.folder).to.match(/^off: .* holds no data/);
	});

	it('reports a database that does not answer, without its password', async () => {
		const url = 'mongodb://me:s%3Dcret@127.0.0.1:1/x?serverSelectionTimeoutMS=100';
		const { status, parts } = await check([], { PORT: '1', MONGO_URL: url });
		expect(status).to.equal(1);
		expect(parts.database)
			.to.match(/^failed: x at 127.0.0.1:1: /)
			.and.not.match(/s(=|%3D)cret/);
	});

	it('refuses a MongoDB address with a wrongly encoded database name', async () => {
		const env = { PORT: '1', MONGO_URL: 'mongodb://127.0.0.1:1/%zz' };
		const { status, err } = await runInProcess(['check', '--json'], { env });
		expect(status).to.equal(1);
		expect(err).to.include('cannot be understood');
	});
});
