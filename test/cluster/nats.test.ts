/** The connection to a real NATS: credentials, TLS, and reconnecting. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { expect } from 'chai';
import type { Link } from '../../server/cluster/link.js';
import { natsLink } from '../../server/cluster/nats.js';
import { natsSettings } from '../../server/options/nats.js';
import { memoryLog } from '../support/log.js';
import { type NatsServer, startNats } from '../support/nats.js';

const none = { 'nats-credentials': undefined, 'nats-ca': undefined, 'nats-cert': undefined, 'nats-key': undefined };

describe('the connection to NATS', () => {
	const links: Link[] = [];
	let nats: NatsServer | undefined;
	let folder: string;

	before(() => {
		folder = mkdtempSync(join(tmpdir(), 'roomkey-nats-'));
	});
	after(() => rmSync(folder, { recursive: true, force: true }));
	afterEach(async () => {
		for (const link of links.splice(0)) await link.close();
		await nats?.stop();
		nats = undefined;
	});

	function open(urls: string, settings: Partial<typeof none | Record<keyof typeof none, string>> = {}, subject = 's') {
		const log = memoryLog();
		const link = natsLink({ ...natsSettings(urls, { ...none, ...settings }), subject, log });
		links.push(link);
		const received: string[] = [];
		let onEvent = () => {};
		const state = { connected: 0, reason: '' };
		const until = async (isReached: () => boolean) => {
			while (!isReached())
				await new Promise<void>((resolve) => {
					onEvent = resolve;
				});
		};
		const opened = { link, log, received, state, until, onMessage: () => {} };
		link.start({
			onMessage: (data) => {
				received.push(Buffer.from(data).toString());
				opened.onMessage();
				onEvent();
			},
			onConnect: () => {
				state.connected++;
				onEvent();
			},
			onDisconnect: (reason) => {
				state.reason = reason;
				onEvent();
			},
		});
		return opened;
	}

	async function expectExchange(urls: string, settings = {}): Promise<void> {
		const [one, two] = [open(urls, settings), open(urls, settings)];
		await Promise.all([one.until(() => one.state.connected === 1), two.until(() => two.state.connected === 1)]);
		one.link.send(Buffer.from('hello'));
		await two.until(() => two.received.length > 0);
		expect([one.received, two.received]).to.deep.equal([[], ['hello']]);
	}

	const at = (credentials: string) => `nats://${credentials}@127.0.0.1:${nats?.port}`;

	it('stays connected after a message that is larger than NATS accepts', async () => {
		const file = join(folder, 'small.conf');
		writeFileSync(file, 'max_payload: 1024');
		nats = await startNats('-c', file);
		const [one, two] = [open(nats.url), open(nats.url)];
		await one.until(() => one.state.connected === 1);
		await two.until(() => two.state.connected === 1);
		one.onMessage = () => one.link.send(Buffer.alloc(2000));
		two.link.send(Buffer.from('first'));
		await one.until(() => one.received.length === 1);
		two.link.send(Buffer.from('second'));
		await one.until(() => one.received.length === 2);
		expect([one.received, two.received, one.state.connected]).to.deep.equal([['first', 'second'], [], 1]);
	});

	it('takes a user and a password from the address or from `nats-credentials`', async () => {
		nats = await startNats('--user', 'roomkey', '--pass', 'p@ss:word');
		await expectExchange(at('roomkey:p%40ss%3Aword'));
		await expectExchange(nats.url, { 'nats-credentials': 'roomkey:p@ss:word' });
	});

	it('takes a token', async () => {
		nats = await startNats('--auth', 'the-token');
		await expectExchange(at('the-token'));
	});

	it('takes an nkey', async () => {
		const user = nkeys.createUser();
		const file = join(folder, 'nkey.conf');
		writeFileSync(file, `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`);
		nats = await startNats('-c', file);
		await expectExchange(nats.url, { 'nats-credentials': Buffer.from(user.getSeed()).toString() });
	});

	it('uses TLS, and sends a client certificate if NATS asks for one', async () => {
		const file = (name: string) => join(folder, name);
		const fixed =
			'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost';
		execFileSync('openssl', [...fixed.split(' '), '-keyout', file('key'), '-out', file('cert')], { stdio: 'ignore' });
		nats = await startNats(
			'--tls',
			`--tlscert=${file('cert')}`,
			`--tlskey=${file('key')}`,
			'--tlsverify',
			`--tlscacert=${file('cert')}`,
		);
		const settings = { 'nats-ca': file('cert'), 'nats-cert': file('cert'), 'nats-key': file('key') };
		await expectExchange(`tls://127.0.0.1:${nats.port}`, settings);
	});

	it('says why it is not connected, and names no password', async () => {
		nats = await startNats('--user', 'roomkey', '--pass', 'right');
		const refused = open(at('roomkey:a-wrong-one'));
		await refused.until(() => refused.state.reason !== '');
		expect(refused.state.reason).to.equal('NATS refuses the credentials');
		expect(JSON.stringify(refused.log.lines)).to.include('unavailable').and.not.include('a-wrong-one');
	});

	it('receives no messages of another subject', async () => {
		nats = await startNats();
		const [one, two, other] = [open(nats.url), open(nats.url), open(nats.url, {}, 'other')];
		await Promise.all([one, two, other].map((each) => each.until(() => each.state.connected === 1)));
		other.link.send(Buffer.from('of another service'));
		// Lets the other link write to its socket first.
		await new Promise((resolve) => setImmediate(resolve));
		one.link.send(Buffer.from('ours'));
		await two.until(() => two.received.length > 0);
		expect([two.received, other.received]).to.deep.equal([['ours'], []]);
	});

	it('reconnects to a second server, and drops what was sent while disconnected', async () => {
		nats = await startNats();
		const second = await startNats();
		await second.stop();
		const urls = `${nats.url},${second.url}`;
		const [one, two] = [open(urls), open(urls)];
		await Promise.all([one, two].map((each) => each.until(() => each.state.connected === 1)));
		await nats.stop();
		await Promise.all([one, two].map((each) => each.until(() => each.state.reason !== '')));
		one.link.send(Buffer.from('lost'));
		await second.start();
		await Promise.all([one, two].map((each) => each.until(() => each.state.connected === 2)));
		one.link.send(Buffer.from('after'));
		await two.until(() => two.received.length > 0);
		expect(two.received).to.deep.equal(['after']);
		for (const link of links.splice(0)) await link.close();
		await second.stop();
	});
});
