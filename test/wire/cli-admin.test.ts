/** The subcommands of `roomkey` for users, tokens, rooms and settings. */
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openFolder } from '../../server/store/folder.js';
import type { Room, User } from '../../shared/documents.js';
import { type Command, type CommandOptions, runAsProcess, runInProcess } from '../support/command.js';
import { commandsOfEachTest } from '../support/commands.js';
import { addMember, addRoom, type Person } from '../support/people.js';
import { post, request } from '../support/rest.js';
import { noteSecret } from '../support/secrets.js';

const PASSWORD = 'correct-horse-battery';
noteSecret(PASSWORD);

describe('roomkey on a data folder', () => {
	let folder: string;
	let data: string;
	const commands = commandsOfEachTest();
	/** The server that `serve` has started last. */
	let server: Command;

	beforeEach(() => {
		folder = commands.folder;
		data = join(folder, 'data');
	});

	const roomkey = (line: string, options: CommandOptions = {}) =>
		runInProcess([...line.split(' '), '--data', data], options);

	async function json<T>(line: string, options?: CommandOptions): Promise<T> {
		const { status, out, err } = await roomkey(`${line} --json`, options);
		expect(status, err).to.equal(0);
		return JSON.parse(out);
	}

	const addRoot = () => roomkey('user add root --role admin', { input: `${PASSWORD}\n` });
	const roomkeyAsProcess = (line: string, options: CommandOptions = {}) =>
		runAsProcess([...line.split(' '), '--data', data], { cwd: folder, ...options });
	const addUser = (name: string, more = '') =>
		json<{ userId: string; password: string }>(
			`user add ${name} --email ${name}@example.com --generate-password${more}`,
		);

	async function serve(): Promise<string> {
		server = commands.start(['serve', '--port', '0', '--data', data]);
		return server.listening();
	}

	const logIn = async (url: string, user: string, password: string) =>
		(await post(`${url}/api/v1/login`, null, { user, password })).status;

	it('refuses to add a user while there is no admin', async () => {
		const addBob = () => roomkey('user add bob --email b@example.com', { input: 'secret-of-bob\n' });
		const withoutData = await addBob();
		expect(withoutData).to.include({ status: 1, out: '' });
		expect(withoutData.err).to.include('holds no data of Roomkey').and.include('a server with --url');
		expect(await readdir(folder)).to.deep.equal([]);
		await serve();
		await server.stop();
		const withoutAdmin = await addBob();
		expect(withoutAdmin).to.include({ status: 2, out: '' });
		expect(withoutAdmin.err).to.include('add --role admin').and.include('a server with --url');
		const hint = `There is no admin yet. Make one with: roomkey user add NAME --role admin --data ${data}`;
		expect((await roomkey('user list')).err).to.include(hint);
	});

	it('creates the first admin with a password from standard input', async () => {
		expect((await roomkey('user list')).err).to.include('holds no data of Roomkey');
		const { status, out, err } = await roomkeyAsProcess('user add root --role admin', {
			input: `${PASSWORD}\n`,
			stdinStaysOpen: true,
		});
		expect({ status, out }).to.deep.equal({ status: 0, out: '' });
		const [location, audit = '', outcome, ...others] = err.split('\n');
		expect([location, outcome, ...others]).to.deep.equal([
			`Working on the folder ${data} directly`,
			'Made the first admin root',
			'',
		]);
		expect(JSON.parse(audit)).to.include({ audit: true, command: 'user add', operator: userInfo().username });
		expect(JSON.parse(audit)).to.include({ username: 'root', msg: 'There was no admin, so one was created' });
		const url = await serve();
		expect(await logIn(url, 'root', PASSWORD)).to.equal(200);
	});

	it('creates the first admin with a password that must be changed', async () => {
		const line = 'user add root --role admin --generate-password --require-password-change';
		const { userId } = await json<{ userId: string }>(line);
		const { store, close } = await openFolder(data);
		expect(await store.users.findOne({ _id: userId })).to.include({ requirePasswordChange: true });
		await close();
	});

	it('creates users by the rules of users.create, and lists them', async () => {
		await addRoot();
		const { password } = await addUser('bob', ' --role bot --name Bobby');
		expect(password).to.match(/^[\w-]{20}$/);
		const unknown = await roomkey('user add ann --email ann@example.com --role admn --role bot --generate-password');
		expect(unknown.status).to.equal(1);
		expect(unknown.err).to.match(/There is no role admn\. Roles are: .*\badmin, /);
		const roleInRoom = await roomkey('user add ann --email ann@example.com --role owner --generate-password');
		expect(roleInRoom.err)
			.to.include('The role owner is a role in one room and cannot be given to a user')
			.and.match(/Roles are: .*\badmin, /);
		expect((await roomkey('user add Bob --email x@example.com --generate-password')).err).to.include('already in use');
		expect((await roomkey('user add bert --email no --generate-password')).err).to.include('Invalid email no');
		expect((await roomkey('user add bert --generate-password')).status).to.equal(2);
		expect(await roomkey('user add bert --email bert@example.com', { input: '\n' })).to.include({ status: 1 });
		expect(await roomkey('user add bert --email bert@example.com')).to.include({ status: 1, out: '' });
		const { users, total } = await json<{ users: object[]; total: number }>('user list');
		expect(total).to.equal(2);
		expect(users[0]).to.deep.include({ username: 'bob', name: 'Bobby', roles: ['bot'], active: true });
		const { out } = await roomkey('user list --limit 1');
		expect(out.split('\n')[0]).to.match(/^USER +NAME +E-MAIL +ROLES +ACTIVE +CREATED +ID$/);
		expect(out.split('\n')[1]).to.match(/^bob +Bobby +bob@example.com +bot +yes +\d{4}-\d\d-\d\d .* UTC +\w{17}$/);
		expect((await roomkey('user list --limit 1')).err).to.include('1 of 2; more with --offset 1');
	});

	it('lists users and rooms with malformed lists that another program has stored', async () => {
		await addRoot();
		const { store, close } = await openFolder(data);
		for (const [i, oddValue] of [null, 'text', { address: 'a@example.com' }, [null, 'text', {}]].entries()) {
			const odd = { _id: `u${i}`, username: `odd${i}`, emails: oddValue, roles: oddValue };
			await store.users.insertOne(odd as unknown as User);
			const room = { _id: `r${i}`, t: 'd', usernames: oddValue, uids: oddValue, usersWaitingForE2EKeys: oddValue };
			await store.rooms.insertOne(room as unknown as Room);
		}
		await close();
		for (const line of ['user list', 'room list', 'room show r2']) {
			const { status, out, err } = await roomkey(line);
			expect(status, err).to.equal(0);
			for (let i = 0; i < 4; i++) if (line !== 'room show r2') expect(out).to.match(new RegExp(`\\b[ur]${i}\n`));
		}
		for (let i = 0; i < 4; i++) {
			expect(await roomkey(`room members r${i}`)).to.include({ status: 0 });
			expect(await roomkey(`token list odd${i}`)).to.include({ status: 0 });
		}
	});

	it('takes no password from the command line, and prints generated ones once', async () => {
		await addRoot();
		expect(await roomkey(`user add bob --email b@example.com --password ${PASSWORD}`)).to.include({
			status: 2,
			out: '',
		});
		const { out, err } = await roomkeyAsProcess('user add bob --email bob@example.com --generate-password');
		expect(out).to.match(/^[\w-]{20}\n$/);
		expect(err).to.include('Made the user bob').and.not.include(out.trim());
		const after = await roomkey('user password bob --generate-password');
		expect(after.out)
			.to.match(/^[\w-]{20}\n$/)
			.and.not.equal(out);
		const url = await serve();
		expect(await logIn(url, 'bob', out.trim())).to.equal(401);
		expect(await logIn(url, 'bob', after.out.trim())).to.equal(200);
	});

	it('issues, lists and revokes tokens', async () => {
		await addRoot();
		const { userId } = await addUser('bob');
		const login = (await roomkey('token issue bob')).out.trim();
		const { authToken } = await json<{ authToken: string }>('token issue bob --personal ci');
		const { tokens } = await json<{ tokens: { id: string; type: string; name?: string }[] }>('token list bob');
		expect(tokens.map(({ type, name }) => [type, name])).to.deep.equal([
			['personal', 'ci'],
			['login', undefined],
		]);
		const me = async (url: string, token: string) =>
			(
				await request(`${url}/api/v1/me`, {
					headers: [
						['X-User-Id', userId],
						['X-Auth-Token', token],
					],
				})
			).status;
		expect((await roomkey('token revoke bob')).status).to.equal(2);
		expect((await roomkey('token revoke bob none')).err).to.include('no token with this id');
		expect((await roomkey(`token revoke bob ${tokens[1]?.id}`)).out).to.equal('Revoked 1 token of bob\n');
		const url = await serve();
		expect([await me(url, login), await me(url, authToken)]).to.deep.equal([401, 200]);
		await server.stop();
		expect((await roomkey('token revoke bob --all')).out).to.equal('Revoked 1 token of bob\n');
		expect((await roomkey('token list bob')).err).to.include('No tokens');
	});

	it('revokes personal tokens too when a user gets a new password or is deactivated, as the help says', async () => {
		await addRoot();
		await addUser('bob');
		for (const [command, text] of [
			['user password', 'revokes all tokens of the user, personal ones too'],
			['user deactivate', 'revokes all tokens of a user, personal ones too'],
			['token issue', 'which never expires; a new password of the user revokes it'],
		] as const)
			expect((await roomkey(`${command} --help`)).out.toLowerCase(), command).to.include(text);
		for (const line of ['user password bob --generate-password', 'user deactivate bob']) {
			await roomkey('token issue bob --personal ci');
			expect((await roomkey('token list bob')).out).to.include('ci');
			expect(await roomkey(line)).to.include({ status: 0 });
			expect((await roomkey('token list bob')).err).to.include('No tokens');
		}
	});

	it('shows rooms and members, and hands over the rooms of a deleted user', async () => {
		await addRoot();
		const ids = [(await addUser('alice')).userId, (await addUser('bob')).userId];
		const open = await openFolder(data);
		const [alice, bob] = ids.map((id, i) => ({ id, username: ['alice', 'bob'][i] }) as Person);
		const u = { _id: ids[0] as string, username: 'alice' };
		await addRoom(open.store, [], { _id: 'r', name: 'one', u, encrypted: true, e2eKeyId: 'k', usersCount: 2 });
		await addMember(open.store, 'r', alice as Person, { roles: ['owner'], E2EKey: 'sealed' });
		await addMember(open.store, 'r', bob as Person);
		await open.close();
		expect((await roomkey('room list --search ONE')).out).to.match(/\none +group +2 +yes +k +0 +r\n$/);
		expect((await roomkey('room list --search other')).err).to.include('No rooms');
		expect((await roomkey('room show one')).out).to.match(/^id +r\ntype +group\nname +one\ncreated by +alice\n/);
		expect((await roomkey('room show nothing')).status).to.equal(1);
		expect((await roomkey('room members one')).out).to.match(/\nalice +owner +held +\w+\nbob +none +\w+\n$/);
		expect((await roomkey('user remove alice')).err).to.include('confirm with --yes');
		expect((await roomkey('user remove alice --yes')).err).to.include('--confirm-relinquish');
		expect((await roomkey('user remove alice --yes --confirm-relinquish')).out).to.equal('Deleted alice\n');
		expect((await roomkey('room members one')).out).to.match(/\nbob +owner +none +\w+\n$/);
		expect((await roomkey('user remove alice --yes')).err).to.include('There is no user alice');
	});

	it('finds a room by its exact name among 100 similar names', async () => {
		await addRoot();
		const { store, close } = await openFolder(data);
		const names = [...Array.from({ length: 100 }, (_, i) => `${i}-team`), 'team'];
		for (const [i, name] of names.entries()) await addRoom(store, [], { _id: `r${i}`, name });
		await close();
		expect((await roomkey('room show team')).out).to.match(/^id +r100\n/);
	});

	it('deactivates and activates users, but never the last admin', async () => {
		await addRoot();
		const { password } = await addUser('bob');
		expect((await roomkey('user deactivate bob')).out).to.include('Deactivated bob');
		expect((await roomkey('token issue bob')).err).to.include('deactivated');
		expect((await roomkey('user activate bob')).out).to.include('Activated bob');
		for (const line of ['user deactivate root', 'user remove root --yes']) {
			const { status, err } = await roomkey(line);
			expect(status).to.equal(1);
			expect(err).to.include('without admins');
		}
		expect(await logIn(await serve(), 'bob', password)).to.equal(200);
	});

	it('sets and prints the roles of a user, by the rules of users.update', async () => {
		await addRoot();
		const { userId } = await addUser('bob');
		expect((await roomkey('user roles bob')).out).to.equal('bob has the role user\n');
		expect((await roomkey('user roles bob user bot user')).out).to.equal('bob has the roles user, bot\n');
		expect(await json('user roles bob')).to.deep.equal({ userId, username: 'bob', roles: ['user', 'bot'] });
		expect(await json('user roles bob bot')).to.deep.equal({ userId, username: 'bob', roles: ['bot'] });
		const { users } = await json<{ users: object[] }>('user list');
		expect(users[0]).to.deep.include({ username: 'bob', roles: ['bot'] });
		for (const [line, status, text] of [
			['user roles bob bot btt', 1, 'There is no role btt. Roles are: '],
			['user roles bob owner', 1, 'The role owner is a role in one room and cannot be given to a user. Roles are: '],
			['user roles root user', 1, 'Leaving the app without admins is not allowed'],
			['user roles nobody bot', 1, 'There is no user nobody.'],
			['user roles', 2, 'user roles needs NAME'],
			['user roles bob bot ', 2, 'ROLE must not be empty'],
		] as const) {
			const refused = await roomkey(line);
			expect(refused, line).to.include({ status, out: '' });
			expect(refused.err, line).to.include(text);
		}
		expect((await roomkey('user roles bob')).out).to.equal('bob has the role bot\n');
	});

	it('uses the store in the configuration file, unless a flag or variable names another', async () => {
		await addRoot();
		const file = join(folder, 'roomkey.json');
		const list = (args: readonly string[], env?: NodeJS.ProcessEnv) => runInProcess(['user', 'list', ...args], { env });
		// A command that starts no server ignores the invalid port.
		await writeFile(file, JSON.stringify({ data, port: 'wrong' }));
		expect((await list(['--config', file])).err).to.include(`Working on the folder ${data} directly`);
		expect((await list([], { ROOMKEY_CONFIG: file })).out).to.include('root');
		expect((await list(['--data', `${folder}/none`, '--config', file])).err).to.include('/none holds no data');
		expect((await list([], { ROOMKEY_CONFIG: file, ROOMKEY_DATA: `${folder}/none` })).err).to.include('/none holds no');
		await writeFile(file, JSON.stringify({ memory: true }));
		expect(await list(['--config', file])).to.include({ status: 2, out: '' });
	});

	it('changes settings to values of their type', async () => {
		await addRoot();
		expect((await roomkey('settings set E2E_Enable maybe')).err).to.include('must be true or false');
		expect((await roomkey('settings set Accounts_LoginExpiration 1.5')).err).to.include('must be a whole number');
		const none = 'There is no such setting, or it cannot be changed here';
		const nothing = await roomkey('settings set Nothing 1');
		expect(nothing.status).to.equal(1);
		expect(nothing.err).to.include(`${none}: Nothing. \`roomkey settings list\` shows all.`);
		expect((await roomkey('settings set accounts_loginexpiration 45')).err).to.include(
			`${none}: accounts_loginexpiration. Did you mean Accounts_LoginExpiration? \`roomkey settings list\` shows all.`,
		);
		expect((await roomkey('settings set Accounts_LoginExpiration 30')).out).to.equal(
			'Accounts_LoginExpiration is now 30; it was 90\n',
		);
		expect((await roomkey('settings list')).out).to.match(/\nAccounts_LoginExpiration +30\n/);
		const set = (...args: string[]) =>
			runInProcess(['settings', 'set', 'E2E_Passphrase_Policy_MaxLength', '--data', data, ...args]);
		await set('9');
		const negative = await set('-1');
		expect(negative.status).to.equal(2);
		expect(negative.err).to.include("place it at the end of the command after '--'");
		expect((await set('--', '-1')).out).to.include('is now -1; it was 9');
	});

	describe('audit lines on standard error', () => {
		const auditOf = (err: string) =>
			err
				.split('\n')
				.filter((line) => line.startsWith('{'))
				.map((line) => JSON.parse(line) as Record<string, unknown>);

		it('name command, operator and outcome of each change, and contain no secret', async () => {
			await addRoot();
			const { userId, password } = await addUser('bob');
			for (const [line, expected] of [
				['user add bert --email bert@example.com --generate-password', [{ method: 'users.create' }]],
				[
					'user password bob --generate-password',
					[{ method: 'users.update', about: { userId, fields: ['password'] } }],
				],
				['user roles bob user bot', [{ method: 'users.update', about: { userId, fields: ['roles'] } }]],
				['token issue bob', [{ method: 'users.createToken', about: { userId, isPersonal: false } }]],
				// The removal of tokens is logged before the end of the call, without an outcome.
				[
					'token revoke bob --all',
					[
						{ method: 'users.revokeTokens', about: { userId }, tokens: 1 },
						{ method: 'users.revokeTokens', about: { userId } },
					],
				],
				['user deactivate bob', [{ method: 'users.setActiveStatus', about: { userId, activeStatus: false } }]],
				['settings set E2E_Enable false', [{ method: 'saveSetting', about: { settingIds: ['E2E_Enable'] } }]],
				['user remove bob --yes', [{ method: 'users.delete', about: { userId } }]],
			] as const) {
				const { status, out, err } = await roomkey(line);
				expect(status, err).to.equal(0);
				const audit = auditOf(err);
				expect(audit, line).to.have.length(expected.length);
				for (const [i, facts] of expected.entries()) {
					const isEndOfCall = !('tokens' in facts);
					const outcome = isEndOfCall ? { outcome: 'ok', transport: 'program' } : {};
					const command = line.split(' ').slice(0, 2).join(' ');
					const operator = userInfo().username;
					expect(audit[i], line).to.deep.include({ level: 30, audit: true, command, operator, ...outcome, ...facts });
				}
				expect(err).not.to.include(password);
				if (/generate|issue/.test(line)) expect(err).not.to.include(out.trim());
			}
		});

		it('are written for a refused change, but not for reading', async () => {
			await addRoot();
			const refused = await roomkey('user remove root --yes');
			expect(refused.status).to.equal(1);
			expect(auditOf(refused.err)).to.have.length(1);
			expect(auditOf(refused.err)[0]).to.include({ method: 'users.delete', outcome: 'refused' });
			for (const line of ['user list', 'user roles root', 'token list root', 'room list', 'settings list'])
				expect(auditOf((await roomkey(line)).err), line).to.deep.equal([]);
		});

		it('have the level and format of the environment or the configuration file', async () => {
			await addRoot();
			const file = join(folder, 'roomkey.json');
			const issue = async (env: NodeJS.ProcessEnv) => (await roomkey('token issue root --json', { env })).err;
			expect(await issue({ ROOMKEY_LOG_FORMAT: 'pretty' })).to.match(/\n\S+ info {2}Audit command="token issue" /);
			expect(await issue({ ROOMKEY_LOG_LEVEL: 'warn' })).to.equal(`Working on the folder ${data} directly\n`);
			await writeFile(file, JSON.stringify({ 'log-level': 'silent', port: 'wrong' }));
			expect(await issue({ ROOMKEY_CONFIG: file })).to.equal(`Working on the folder ${data} directly\n`);
			expect(auditOf(await issue({ ROOMKEY_CONFIG: file, ROOMKEY_LOG_LEVEL: 'info' }))).to.have.length(1);
			expect(await issue({ ROOMKEY_LOG_LEVEL: 'loud' })).to.include('ROOMKEY_LOG_LEVEL must be one of');
		});

		it('are written if ROOMKEY_CONFIG names a file that does not exist', async () => {
			await addRoot();
			const env = { ROOMKEY_CONFIG: join(folder, 'none.json') };
			const { status, err } = await roomkey('token issue root', { env });
			expect(status, err).to.equal(0);
			expect(auditOf(err)).to.have.length(1);
		});
	});

	describe('while a server uses it', () => {
		it('is refused, but works through the server with --url', async () => {
			await addRoot();
			const token = (await roomkey('token issue root')).out.trim();
			const url = await serve();
			const direct = await roomkey('user list');
			expect(direct).to.include({ status: 1, out: '' });
			expect(direct.err).to.include('in use by the process').and.include('--url').and.not.include('first admin');
			const admin = await roomkey('user add first --role admin --generate-password');
			expect(admin).to.include({ status: 1, out: '' });
			expect(admin.err).to.match(/ with --login NAME \(if there is no admin yet, stop the server first\)\.$/);

			const env = { ROOMKEY_URL: url, ROOMKEY_TOKEN: token };
			const remote = (line: string, options: CommandOptions = { env }) => runInProcess(line.split(' '), options);
			const made = await runAsProcess('user add bob --email bob@example.com --generate-password'.split(' '), { env });
			expect(made).to.include({ status: 0 });
			expect(made.err).to.include(`Working through the server at ${url}`);
			expect(await logIn(url, 'bob', made.out.trim())).to.equal(200);
			expect((await remote('user list')).out).to.match(/\nbob .*\nroot /);
			expect((await remote('user roles bob user bot')).out).to.equal('bob has the roles user, bot\n');
			expect(JSON.parse((await remote('user roles bob --json')).out)).to.deep.include({ roles: ['user', 'bot'] });
			expect((await remote('user roles bob bott')).err).to.include('There is no role bott. Roles are: ');
			const botToken = (await remote('token issue bob')).out.trim();
			expect((await remote('token list bob --json')).out)
				.to.include('"total": 2')
				.and.not.include(botToken);
			expect((await remote('token revoke bob --all')).out).to.equal('Revoked 2 tokens of bob\n');
			expect((await remote('settings set E2E_Enable false')).out).to.include('it was true');
			expect((await remote('settings set e2e_enable false')).err).to.include('Did you mean E2E_Enable?');
			expect((await remote('user add ann --email a@example.com --role admn --generate-password')).err).to.include(
				'There is no role admn.',
			);
			expect((await remote('room list')).err).to.include('No rooms');

			const file = join(folder, 'token');
			await writeFile(file, `${token}\n`);
			expect(await remote(`user deactivate bob --url ${url} --token-file ${file}`, {})).to.include({ status: 0 });
			const input = `${PASSWORD}\nanother-secret-of-bob\n`;
			expect(await remote(`user password bob --url ${url} --login root`, { input })).to.include({ status: 0 });
			// The command removes its login when it ends.
			expect(JSON.parse((await remote('token list root --json')).out)).to.include({ total: 1 });
			expect(await remote('user remove bob --yes')).to.include({ status: 0, out: 'Deleted bob\n' });
		});

		it('reports what is wrong with the address or the token, without printing the token', async () => {
			await addRoot();
			const url = await serve();
			const remote = (line: string, env: NodeJS.ProcessEnv, input?: string) =>
				runInProcess(line.split(' '), { env, input });
			const token = 'not-a-token-of-anybody';
			for (const [line, env, status, text] of [
				[`user list --url ${url}`, {}, 2, 'ROOMKEY_TOKEN'],
				[`user list --url ${url}`, { ROOMKEY_TOKEN: token }, 1, 'refuses the token'],
				[`user list --url ${url} --token-file ${folder}/none`, {}, 1, 'ENOENT'],
				['user list --url http://127.0.0.1:1', { ROOMKEY_TOKEN: token }, 1, 'No Roomkey server answers'],
				[
					`user list --url ${url}/api/v1`,
					{ ROOMKEY_TOKEN: token },
					1,
					`No Roomkey API at ${url}/api/v1: give the address without /api/v1 (with the --path-prefix of the server, if it has one)`,
				],
				[
					`user list --url ${url}/chat`,
					{ ROOMKEY_TOKEN: token },
					1,
					`No Roomkey API at ${url}/chat: give the address with the --path-prefix of the server, if it has one`,
				],
				['user list --url http://0.0.0.0:1', { ROOMKEY_TOKEN: token }, 1, 'can read the token'],
				['user list --url http://127.0.0.1.invalid:1', { ROOMKEY_TOKEN: token }, 1, 'is not encrypted'],
				['user list --url ftp://x', { ROOMKEY_TOKEN: token }, 2, 'must be http'],
				[`user list --url ${url} --data x`, {}, 2, 'choose one of --data and --url'],
				[`user list --data ${data} --login root`, {}, 2, '--login is for a server'],
			] as const) {
				const result = await remote(line, env);
				expect(result, line).to.include({ status, out: '' });
				expect(result.err, line).to.include(text).and.not.include(token);
			}
			const byPassword = await remote('user list --url http://0.0.0.0:1 --login root', {}, 'a-password\n');
			expect(byPassword.err).to.include('is not encrypted').and.include('can read the password');
			const withoutDatabase = createServer(
				(_, response) => void response.writeHead(503).end('{"success":false,"error":"The database is not available."}'),
			);
			await new Promise<void>((listening) => withoutDatabase.listen(0, '127.0.0.1', listening));
			const withoutDatabaseUrl = `http://127.0.0.1:${(withoutDatabase.address() as AddressInfo).port}`;
			const unavailable = await remote(`user list --url ${withoutDatabaseUrl}`, { ROOMKEY_TOKEN: token });
			withoutDatabase.close();
			expect(unavailable.err).to.equal(
				`The database is not available. To find out why: roomkey check --url ${withoutDatabaseUrl}`,
			);
			const otherWebsite = createServer((_, response) => void response.writeHead(404).end('<html>'));
			await new Promise<void>((listening) => otherWebsite.listen(0, '127.0.0.1', listening));
			const { port } = otherWebsite.address() as AddressInfo;
			const notFound = await remote(`user list --url http://127.0.0.1:${port}`, { ROOMKEY_TOKEN: token });
			await new Promise((closed) => otherWebsite.close(closed));
			expect(notFound.err).to.include(`No Roomkey API at http://127.0.0.1:${port}: give the address`);
			const wrong = await remote(`user list --url ${url} --login root`, {}, 'a wrong password\n');
			expect(wrong).to.include({ status: 1, out: '' });
		});
	});
});
