/** Settings of `roomkey` that cannot be used together. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createServer } from '../../server/index.js';
import { runInProcess } from '../support/command.js';
import { rejection } from '../support/rejection.js';

describe('settings of roomkey that contradict each other', () => {
	let folder: string;
	let file: string;

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
		file = join(folder, 'roomkey.json');
	});
	afterEach(() => rm(folder, { recursive: true }));

	const write = (settings: object) => writeFile(file, JSON.stringify(settings));

	async function checked(env: NodeJS.ProcessEnv): Promise<string> {
		const { out, err } = await runInProcess(['check', '--json', '--data', `${folder}/none`], {
			env: { PORT: '1', ...env },
		});
		expect(err).to.equal('');
		const { checks } = JSON.parse(out) as { checks: { part: string; status: string; note: string }[] };
		const { status, note } = checks.find(({ part }) => part === 'settings') ?? expect.fail('not checked');
		return `${status}: ${note}`;
	}

	for (const [settings, says] of [
		[{ 'tls-cert': 'test/fixtures/tls/first.cert.pem' }, 'tls-cert and tls-key need each other'],
		[{ 'trust-proxy': '10.0.0.0/8', 'forwarded-count': 1 }, 'choose one of trust-proxy and forwarded-count'],
		[{ 'read-only': true, 'sign-ups': true }, 'read-only makes no user, but sign-ups lets users register'],
		[{ shadow: true, 'read-only': true }, 'choose one of shadow and read-only'],
		[{ port: 1, metrics: 1 }, 'port and metrics need different ports'],
		// Polling is for MongoDB, and here the data is in a folder.
		[{ watch: 'polling' }, 'watch must be off or auto'],
		[{ nats: 'nats://127.0.0.1:1', 'nats-cert': 'package.json' }, 'nats-cert and nats-key'],
	] as const) {
		it(`are refused by serve, --print-config and check with the same text: ${Object.keys(settings).join(' and ')}`, async () => {
			await write(settings);
			const data = `${folder}/none`;
			const served = await runInProcess(['--config', file, '--data', data]);
			expect(served).to.include({ status: 2, out: '' });
			expect(served.err).to.include(says);
			expect(await runInProcess(['--config', file, '--data', data, '--print-config'])).to.deep.equal(served);
			expect(await checked({ ROOMKEY_CONFIG: file })).to.equal(`failed: ${served.err.replace(/\n */g, ' ')}`);
		});
	}

	it('are reported together with limits of methods that do not exist', async () => {
		await write({ 'tls-key': `${folder}/key`, limits: { nothing: '1/s', other: 'off' } });
		const { status, err } = await runInProcess(['--config', file, '--print-config']);
		expect(status).to.equal(2);
		expect(err.split('\n').map((line) => line.trim())).to.deep.equal([
			'4 settings are wrong:',
			'tls-cert and tls-key need each other',
			`${file}: 'limits': there is no method 'nothing'`,
			`${file}: 'limits': there is no method 'other'`,
			`${folder}/key cannot be read: ENOENT`,
		]);
	});

	it('are reported beside invalid settings; an invalid setting is not also reported as missing', async () => {
		await write({ 'trust-proxy': 'nowhere', 'tls-cert': '', 'mongo-url': '', 'no-index': true });
		const env = { HTTP_FORWARDED_COUNT: '2', ROOMKEY_TLS_KEY: `${folder}/key`, ROOMKEY_WATCH: 'polling' };
		const { err } = await runInProcess(['--config', file, '--print-config'], { env });
		expect(err.split('\n').map((line) => line.trim())).to.deep.equal([
			'5 settings are wrong:',
			`${file}: 'mongo-url' must not be empty`,
			`${file}: 'tls-cert' must not be empty`,
			`${file}: 'trust-proxy' must be addresses, CIDR blocks, loopback or private, separated by commas, not 'nowhere'`,
			'choose one of trust-proxy and forwarded-count: both say which proxies are trusted',
			`${folder}/key cannot be read: ENOENT`,
		]);
	});

	it('include equal ports, unless they are 0 or the server does not listen', async () => {
		for (const args of [
			['--port', '0', '--metrics', '0'],
			['--port', '3422', '--metrics', '3423'],
		])
			expect(await runInProcess(['--memory', ...args, '--print-config'])).to.include({ status: 0 });
		expect((await runInProcess(['--memory', '--metrics', '3000'])).err).to.equal(
			'port and metrics need different ports',
		);
		// An invalid port cannot be compared.
		expect((await runInProcess(['--memory', '--metrics', '3000', '--port', 'x'])).err).not.to.include(
			'different ports',
		);
		const notListening = createServer({
			store: { memory: true },
			port: 3422,
			metrics: '3422',
			listen: false,
			// Makes `createServer` fail with an error that is not about the ports.
			maxBody: 1,
		});
		expect((await rejection(notListening)).message).to.match(/^maxBody must be/);
		const listening = createServer({ store: { memory: true }, port: 3422, metrics: '3422' });
		expect((await rejection(listening)).message).to.equal('port and metrics need different ports');
	});

	it('are reported together with all faults of the connection to NATS', async () => {
		await write({ nats: 'http://x', 'nats-ca': `${folder}/ca`, 'nats-cert': `${folder}/cert` });
		const { err } = await runInProcess(['--config', file, '--print-config']);
		expect(err.split('\n').map((line) => line.trim())).to.deep.equal([
			'4 settings are wrong:',
			'nats must be a list of addresses such as nats://127.0.0.1:4222',
			'nats-cert and nats-key need each other',
			`nats-ca: the file ${folder}/ca cannot be read (ENOENT)`,
			`nats-cert: the file ${folder}/cert cannot be read (ENOENT)`,
		]);
	});
});
