/** The log lines of a server, and their pretty format. */
import { expect } from 'chai';
import { methods } from '../../methods/index.js';
import { prettyLine } from '../../server/ops/prettyLog.js';
import { changedSettings, storeLocation } from '../../server/ops/startLog.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { loginHandler } from '../../shared/loginHandler.js';
import { method } from '../../shared/method.js';
import { RawClient } from '../support/ddp.js';
import { type LogLine, memoryLog } from '../support/log.js';
import { addPerson, type Person } from '../support/people.js';
import { get, post } from '../support/rest.js';

const broken = method({
	name: 'own.broken',
	summary: 'Fails',
	args: { rid: String },
	rest: 'POST',
	run() {
		throw new Error('broken');
	},
});

const audited = method({ name: 'own.audited', audit: true, summary: 'Audited', args: {}, rest: 'POST', run: () => {} });

describe('the log of a server', () => {
	let server: OpenServer;
	let log: ReturnType<typeof memoryLog>;
	let admin: Person;

	before(async () => {
		log = memoryLog();
		server = await openServer({
			port: 0,
			store: { memory: true },
			keys: true,
			log,
			grace: 100,
			maxConnectionsPerAddress: 1,
			methods: [broken, audited],
			loginHandlers: [
				loginHandler('badge', ({ badge }) => (badge === 'known-badge' ? { userId: admin.id } : undefined)),
			],
		});
		admin = await addPerson(server.store, { roles: ['admin', 'user'], password: 'correct-password' });
	});
	after(() => server.close());

	async function linesOf(run: () => Promise<unknown>): Promise<LogLine[]> {
		const before = log.lines.length;
		await run();
		return log.lines.slice(before);
	}
	const call = (as: Person | null, name: string, body: object = {}) => post(`${server.url}/api/v1/${name}`, as, body);
	const logIn = (password: string) => call(null, 'login', { user: admin.username, password });

	it('contains one line at the start and one when the server is ready', () => {
		const [start, ready] = log.lines;
		expect(start).to.deep.include({ level: 'info', text: 'Roomkey starts' });
		expect(start?.facts).to.deep.include({ store: 'memory', host: '127.0.0.1', bus: 'local' });
		const { settings } = (start?.facts ?? {}) as { settings?: object };
		expect(settings).to.deep.equal({
			grace: 100,
			'max-connections-per-address': 1,
		});
		expect(ready).to.deep.include({ level: 'info', text: 'Roomkey is ready' });
		expect(ready?.facts).to.include({ url: server.url, host: '127.0.0.1' });
	});

	it('contains a login, with request, address and user', async () => {
		const [line] = await linesOf(() => logIn('correct-password'));
		expect(line).to.deep.include({ level: 'info', text: 'Audit' });
		expect(line?.facts).to.include({ audit: true, method: 'login', outcome: 'ok', userId: admin.id });
		expect(line?.facts).to.deep.include({ username: admin.username, about: {} });
		expect(line?.facts).to.include({ clientAddress: '127.0.0.1', transport: 'rest' });
		expect(line?.facts).to.have.property('requestId');
		const { ms } = (line?.facts ?? {}) as { ms?: number };
		expect(ms).to.be.above(0);
	});

	it('contains a failed login with the attempted user, but without the typed text', async () => {
		const lines = await linesOf(() => logIn('wrong-password'));
		const attempted = { attemptedUserId: admin.id, attemptedUsername: admin.username };
		expect(lines[0]?.facts).to.include({ audit: true, outcome: 'refused', code: 403, ...attempted });
		expect(lines[0]?.facts).to.not.have.any.keys('userId', 'username');
		// The user is also found by id, and ignoring case.
		const client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
		for (const user of [{ username: admin.username.toUpperCase() }, { id: admin.id }]) {
			const others = await linesOf(() => client.call('login', { user, password: 'wrong-password' }));
			expect(others.find(({ text }) => text === 'Audit')?.facts, JSON.stringify(user)).to.include(attempted);
		}
		await client.close();
		const unknown = await linesOf(() => call(null, 'login', { user: 'my-password', password: 'wrong-password' }));
		expect(unknown[0]?.facts).to.include({ audit: true, outcome: 'refused' });
		expect(JSON.stringify([...lines, ...unknown])).not.to.match(/my-password|wrong-password/);
	});

	it('contains the kind of credential of a login, but not the credential', async () => {
		const attempts: readonly [options: object, outcome: string, credential: string | undefined][] = [
			[{ user: admin.username, password: 'correct-password' }, 'ok', 'password'],
			[{ user: admin.username, password: 'wrong-password' }, 'refused', 'password'],
			[{ user: admin.username, password: 'correct-password', code: '123456' }, 'ok', 'password'],
			[{ resume: admin.token }, 'ok', 'token'],
			[{ resume: 'wrong-token' }, 'refused', 'token'],
		];
		const seen: string[] = [];
		for (const [options, outcome, credential] of attempts) {
			const lines = await linesOf(() => call(null, 'login', options));
			const { facts } = lines.find(({ text }) => text === 'Audit') ?? expect.fail('not logged');
			expect(facts, JSON.stringify(options)).to.include({ method: 'login', outcome, credential });
			const username = outcome === 'ok' ? admin.username : undefined;
			expect((facts as { username?: string }).username, JSON.stringify(options)).to.equal(username);
			seen.push(JSON.stringify(lines));
		}
		const client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
		const ddp: readonly [options: unknown, credential: string | undefined][] = [
			[{ totp: { code: '1', login: { user: { username: 'nobody' }, password: 'wrong-password' } } }, 'password'],
			[{ totp: { code: '1', login: { resume: 'wrong-token' } } }, 'token'],
			[{ badge: 'known-badge' }, 'badge'],
			// Only the result of a login names the login handler.
			[{ badge: 'wrong-badge' }, undefined],
			['wrong-password', undefined],
		];
		for (const [options, credential] of ddp) {
			const lines = await linesOf(() => client.call('login', options));
			const { facts } = lines.find(({ text }) => text === 'Audit') ?? expect.fail('not logged');
			expect((facts as { credential?: string }).credential, JSON.stringify(options)).to.equal(credential);
			const isLogin = (facts as { outcome?: string }).outcome === 'ok';
			expect((facts as { username?: string }).username).to.equal(isLogin ? admin.username : undefined);
			seen.push(JSON.stringify(lines));
		}
		for (const secret of [
			'correct-password',
			'wrong-password',
			'wrong-token',
			admin.token,
			'known-badge',
			'wrong-badge',
		])
			expect(seen.join('\n')).not.to.include(secret);
		await client.close();
	});

	it('contains the session of a login over DDP, and refused connections', async () => {
		const webSocketUrl = `${server.url.replace('http', 'ws')}/websocket`;
		const client = await RawClient.connect(webSocketUrl);
		const [line] = await linesOf(() => client.call('login', { resume: admin.token }));
		expect(line?.facts).to.include({ method: 'login', transport: 'websocket', sessionId: client.session });
		const lines = await linesOf(() => RawClient.open(webSocketUrl).catch(() => {}));
		expect(lines).to.deep.equal([
			{
				level: 'info',
				facts: { reason: 'limit', clientAddress: '127.0.0.1' },
				text: 'A connection was refused',
			},
		]);
		await client.close();
	});

	it('contains the calls of an admin, with the affected users', async () => {
		const bob = await addPerson(server.store);
		const lines = await linesOf(() => call(admin, 'users.setActiveStatus', { userId: bob.id, activeStatus: false }));
		const audit = lines.find(({ text }) => text === 'Audit');
		expect(audit?.facts).to.deep.include({
			method: 'users.setActiveStatus',
			userId: admin.id,
			about: { userId: bob.id, activeStatus: false },
		});
	});

	it('contains the number of revoked tokens', async () => {
		const carol = await addPerson(server.store, { password: 'first-password' });
		await call(null, 'login', { user: carol.username, password: 'first-password' });
		const lines = await linesOf(() => call(carol, 'users.removeOtherTokens'));
		const revoked = lines.find(({ text }) => text === 'Login tokens were revoked');
		expect(revoked?.facts).to.deep.include({ audit: true, about: { userId: carol.id }, tokens: 1 });
	});

	it('contains calls of methods with `audit: true` as audit events, others as debug lines', async () => {
		const calls = await linesOf(() => get(`${server.url}/api/v1/rooms.get`, admin));
		expect(calls.map(({ level, text }) => [level, text])).to.deep.equal([['debug', 'Call']]);
		const [line] = await linesOf(() => call(admin, 'own.audited'));
		expect(line?.facts).to.include({ audit: true, method: 'own.audited', outcome: 'ok' });
	});

	it('contains an error, with the method, the user and the request', async () => {
		const lines = await linesOf(() => call(admin, 'own.broken', { rid: 'room' }));
		const error = lines.find(({ level }) => level === 'error');
		expect(error?.facts).to.include({ method: 'own.broken', userId: admin.id, transport: 'rest' });
		expect(error?.facts).to.have.property('requestId');
		expect(lines.find(({ text }) => text === 'Call')?.facts).to.include({ outcome: 'error', code: 500 });
	});

	it('contains no text that a client sends in place of an id', async () => {
		const lines = await linesOf(() => call(admin, 'users.delete', { userId: 'a secret of mine' }));
		expect(JSON.stringify(lines)).not.to.include('a secret of mine');
	});

	it('contains resets of keys, logins and the calls of admins as audit events', () => {
		const names = methods.filter(({ audit }) => audit).map(({ name }) => name);
		expect(names).to.include.members([
			'login',
			'logout',
			'e2e.resetRoomKey',
			'e2e.resetOwnE2EKey',
			'users.resetE2EKey',
		]);
		expect(names).to.include.members([
			'users.create',
			'users.update',
			'users.delete',
			'saveSetting',
			'permissions.update',
		]);
		expect(names).not.to.include('rooms.get');
	});

	it('contains one line at the stop', async () => {
		const own = memoryLog();
		const other = await openServer({ listen: false, store: { memory: true }, log: own });
		await other.close();
		expect(own.lines.at(-1)).to.deep.include({ level: 'info', text: 'Roomkey stops' });
	});
});

describe('the first line of the log', () => {
	it('names a database without its password', () => {
		const url = 'mongodb://me:secret@one:27017,two:27017/rocketchat?authSource=admin&password=secret';
		expect(storeLocation({ kind: 'mongodb', url })).to.equal('mongodb://one:27017,two:27017/rocketchat');
		expect(storeLocation({ kind: 'files', folder: 'data' })).to.equal('data');
	});

	it('names no part of a password in which special characters are not encoded', () => {
		for (const password of ['sec@ret', 'sec/ret', 'sec?ret'])
			expect(storeLocation({ kind: 'mongodb', url: `mongodb://me:${password}@one/x` })).to.equal('mongodb://one/x');
	});

	it('names settings that differ from their defaults, but no secret values', () => {
		// 5000 is the default of `grace`.
		expect(changedSettings({ 'admin-pass': 'my-secret', grace: 5000, 'max-queue': 5 })).to.deep.equal({
			'admin-pass': 'set',
			'max-queue': 5,
		});
	});
});

describe('a log line in the pretty format', () => {
	const line = (facts: object) => JSON.stringify({ level: 30, time: 0, pid: 1, hostname: 'host', ...facts });

	it('has time, level, sentence and facts', () => {
		expect(prettyLine(line({ msg: 'Audit', method: 'login', text: 'two words', n: 5, none: null }), false)).to.match(
			/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info {2}Audit method=login text="two words" n=5\n$/,
		);
	});

	it('has the stack of an error on lines of its own', () => {
		const text = prettyLine(line({ level: 50, msg: 'Exception', err: { stack: 'Error: no\n    at x' } }), false);
		expect(text).to.match(/ error Exception\nError: no\n {4}at x\n$/);
	});

	it('colors the level on a terminal', () => {
		expect(prettyLine(line({ msg: 'Audit' }), true)).to.include('\u001b[32minfo ');
	});

	it('contains no control characters that a client has sent', () => {
		expect(prettyLine(line({ msg: 'Audit', method: 'a\u001b[2J' }), false)).not.to.include('\u001b');
		expect(prettyLine(line({ msg: 'a\u001b[2J' }), false)).not.to.include('\u001b');
	});

	it('is the original line if the line is not JSON', () => {
		expect(prettyLine('plain\n', false)).to.equal('plain\n');
	});
});
