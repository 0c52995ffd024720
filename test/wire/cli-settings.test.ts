/** The settings of `roomkey`: their sources, errors and `--print-config`. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createServer, OptionError } from '../../server/index.js';
import { options } from '../../server/options/options.js';
import { removedSettings } from '../../server/options/removedSettings.js';
import { runInProcess } from '../support/command.js';
import { commandsOfEachTest } from '../support/commands.js';
import { rejection } from '../support/rejection.js';

describe('the settings of roomkey', () => {
	let folder: string;
	let file: string;
	const commands = commandsOfEachTest();

	beforeEach(() => {
		folder = commands.folder;
		file = join(folder, 'roomkey.json');
	});

	const write = (settings: unknown) =>
		writeFile(file, typeof settings === 'string' ? settings : JSON.stringify(settings));

	const start = (args: readonly string[], env?: NodeJS.ProcessEnv) => commands.start(args, { env });

	/** The table of `--print-config`: value and origin by setting, such as `3 from --port`. */
	async function printed(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Map<string, string>> {
		const { status, out, err } = await runInProcess([...args, '--print-config'], { env });
		expect(status, err).to.equal(0);
		const [titles, ...rows] = out.trimEnd().split('\n');
		expect(titles).to.match(/^SETTING +VALUE +FROM$/);
		return new Map(
			rows.map((row) => {
				const [name = '', ...others] = row.split(/ {2,}/);
				return [name, others.filter(Boolean).join(' from ')];
			}),
		);
	}

	it('are refused in one error if several are wrong', async () => {
		await write({ maxBody: 1, 'max-frame': 'much', nonsense: true, memory: true });
		const command = start(['--port', 'x', '--nope', 'word', '--log-level', 'loud', '--memory=1', '--host'], {
			ROOMKEY_CONFIG: file,
			ROOMKEY_GRACE: '-1',
		});
		expect(await command.ended()).to.equal(2);
		expect(command.out).to.equal('');
		const [first, ...faults] = command.err.trimEnd().split('\n');
		expect(first).to.equal('roomkey: 10 settings are wrong:');
		expect(faults.map((line) => line.trim())).to.deep.equal([
			"Unknown option '--nope'",
			"Unexpected argument 'word'",
			'--memory takes no value',
			'--host needs a value',
			`${file}: unknown setting 'maxBody'; did you mean 'max-body'?`,
			`${file}: unknown setting 'nonsense'`,
			"--port must be a whole number from 0 to 65535, not 'x'",
			`${file}: 'max-frame' must be a whole number from 1024 to 1073741824, not 'much'`,
			"ROOMKEY_GRACE must be a whole number from 0 to 3600000, not '-1'",
			"--log-level must be one of debug, info, warn, error, silent, not 'loud'",
			'Try roomkey --help',
		]);
	});

	it('are refused together with contradictions, unknown methods and unreadable TLS files', async () => {
		await write({ memory: true, grace: -1, 'tls-cert': `${folder}/c`, 'tls-key': `${folder}/k`, 'read-only': true });
		const { status, err } = await runInProcess(
			['--config', file, '--limit', 'e2e.setRoomKeyId=1/s', '--max-frame', 'x', '--sign-ups'],
			{ env: {} },
		);
		expect(status).to.equal(2);
		expect(err.split('\n').map((line) => line.trim())).to.deep.equal([
			'6 settings are wrong:',
			"--max-frame must be a whole number from 1024 to 1073741824, not 'x'",
			`${file}: 'grace' must be a whole number from 0 to 3600000, not -1`,
			'read-only makes no user, but sign-ups lets users register: leave out one of them',
			"--limit: there is no method 'e2e.setRoomKeyId'; did you mean 'e2e.setRoomKeyID'?",
			`${folder}/c cannot be read: ENOENT`,
			`${folder}/k cannot be read: ENOENT`,
		]);
	});

	it('are quoted in an error as they are written in the file', async () => {
		for (const [settings, says] of [
			[{ grace: -1 }, "'grace' must be a whole number from 0 to 3600000, not -1"],
			[{ grace: 1.5 }, "'grace' must be a whole number from 0 to 3600000, not 1.5"],
			[{ grace: null }, "'grace' must be a whole number from 0 to 3600000, not null"],
			[{ grace: [1] }, "'grace' must be a whole number from 0 to 3600000, not a list"],
			[{ 'sign-ups': 2 }, "'sign-ups' must be true or false, not 2"],
			[{ 'log-level': 3 }, "'log-level' must be one of debug, info, warn, error, silent, not 3"],
			[{ 'cors-origin': 4 }, "'cors-origin' must be"],
			[{ limits: 5 }, "'limits' must be entries"],
		] as const) {
			await write(settings);
			const { status, err } = await runInProcess(['--memory', '--config', file]);
			expect(status).to.equal(2);
			expect(err).to.include(`${file}: ${says}`).and.not.include('undefined');
		}
	});

	it('are refused if they are text in place of another type', async () => {
		for (const [settings, says] of [
			[{ port: '3420' }, 'port| must be a whole number from 0 to 65535, not the text "3420": leave out the quotes'],
			[{ grace: '007' }, 'grace| must be a whole number from 0 to 3600000, not the text "007": write 7 instead'],
			[{ compression: 'true' }, 'compression| must be true or false, not the text "true": leave out the quotes'],
			[{ compression: 'off' }, 'compression| must be true or false, not the text "off": write false instead'],
			[
				{ limits: 'me=5/60s' },
				'limits| must be entries such as e2e.setRoomKeyID=5/60s or e2e.roomState=off, with the units ms, s, m, h, not the text "me=5/60s": write {"me":{"calls":5,"per":60000}} instead',
			],
			[{ port: '65536' }, "port| must be a whole number from 0 to 65535, not '65536'"],
			[{ compression: 'yes' }, "compression| must be true or false, not 'yes'"],
		] as const) {
			await write(settings);
			const { err } = await runInProcess(['--memory', '--config', file]);
			// `|` ends the name, which has quotes only in an error about a file.
			expect(err).to.equal(`${file}: '${says.replace('|', "'")}`);
			const error = await rejection(createServer({ store: { memory: true }, ...(settings as object) }));
			expect(error.message).to.equal(says.replace('|', ''));
		}
		const switches = await rejection(createServer({ keys: 'true', accounts: 'no', listen: 'false' } as object));
		expect(switches.message)
			.to.include('keys must be true or false, not the text "true": leave out the quotes')
			.and.match(/accounts must be true or false$/m)
			.and.include('listen must be true or false, not the text "false": leave out the quotes');
	});

	it('are refused with a hint if a release has removed them', async () => {
		const upgrading = /### Upgrading\n(.*?)\n### /s.exec(await readFile('CHANGELOG.md', 'utf8'))?.[1] ?? '';
		const ofChangelog = Array.from(upgrading.matchAll(/`--([\w-]+)` is removed/g), ([, name]) => name);
		expect(Object.keys(removedSettings)).to.have.members(ofChangelog).and.not.be.empty;
		for (const [name, { env, instead }] of Object.entries(removedSettings)) {
			expect(options).to.not.have.property(name);
			await write({ [name]: 5 });
			for (const [args, variables, given] of [
				[[`--${name}`, '5'], {}, `--${name}`],
				[[`--${name}=5`], {}, `--${name}`],
				[[], { [`${env}`]: '5' }, env],
				[['--config', file], {}, `${file}: '${name}'`],
			] as const) {
				const { status, err } = await runInProcess(['--memory', ...args], { env: variables });
				expect({ status, err }).to.deep.equal({ status: 2, err: `${given} was removed: ${instead}` });
			}
		}
	});

	it('have a suggestion for a mistyped name', async () => {
		await write({ prot: 1, 'trust-proxi': '10.0.0.0/8', 'max-bdy': 5000, xyz: 1 });
		const env = { ROOMKEY_TRUST_PROXI: '1', ROOMKEY_HOTS: 'x' };
		const { err } = await runInProcess(['--memory', '--prot', '1', '--hlep', '--config', file], { env });
		const expected = [
			"Unknown option '--prot'; did you mean --port?",
			"Unknown option '--hlep'; did you mean --help?",
			'Unknown environment variable ROOMKEY_TRUST_PROXI; did you mean ROOMKEY_TRUST_PROXY?',
			'Unknown environment variable ROOMKEY_HOTS; did you mean BIND_IP?',
			`${file}: unknown setting 'prot'; did you mean 'port'?`,
			`${file}: unknown setting 'trust-proxi'; did you mean 'trust-proxy'?`,
			`${file}: unknown setting 'max-bdy'; did you mean 'max-body'?`,
			`${file}: unknown setting 'xyz'`,
		];
		const lines = err.split('\n').map((line) => line.trim());
		for (const line of expected) expect(lines).to.include(line);
		const error = await rejection(createServer({ prot: 1, mongoUr: 'x' } as object));
		expect(error.message).to.include('prot; did you mean port?').and.include('did you mean store: { mongoUrl: … }?');
		const command = await runInProcess(['user', 'list', '--limt', '5']);
		expect(command.err).to.equal("Unknown option '--limt'; did you mean --limit?");
	});

	it('are all checked by createServer too', async () => {
		const wrong = { maxBody: 1, nonsense: 2, host: '', limits: { e2e: 'often' }, methods: {} };
		const error = await rejection(createServer(wrong as object));
		expect(error).to.be.instanceOf(OptionError);
		for (const name of Object.keys(wrong)) expect(error.message).to.include(name);
		expect(error.message).to.match(/^5 settings are wrong:\n/);
	});

	it('cause an error that says what to do if their file may not be read', async function () {
		if (process.platform === 'win32') this.skip();
		await write({ memory: true });
		await chmod(file, 0);
		// Root may read every file, unless the command runs without these capabilities.
		const withoutCapabilities = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
		const [command = '', ...args] = [...(process.getuid?.() === 0 ? withoutCapabilities : []), process.execPath];
		const main = 'dist/server/cli/main.js';
		const print = () => spawnSync(command, [...args, main, '--config', file, '--print-config'], { encoding: 'utf8' });
		const { status, stderr } = print();
		await chmod(file, 0o600);
		await chmod(folder, 0);
		const hidden = print();
		await chmod(folder, 0o700);
		expect(hidden.status).to.equal(2);
		expect(hidden.stderr).to.include(
			`cannot be read: ${file}: it is in ${folder}, which belongs to the user of this process, but its mode does not allow entering it. Allow it: chmod u+x ${folder}`,
		);
		expect(status).to.equal(2);
		expect(stderr).to.include(
			`The file of --config cannot be read: ${file}: its mode does not allow reading. Allow it: chmod u+r ${file}`,
		);
		if (process.getuid?.() !== 0) return;
		await chown(file, 65534, 65534);
		expect(print().stderr).to.match(/runs as root\. Allow all users to read it: chmod a\+r /);
	});

	it('are refused by createServer together with unknown methods and unreadable files', async () => {
		const error = await rejection(
			createServer({
				// The compiler would refuse this option without the spread.
				...{ nonsense: 2 },
				maxBody: 1,
				limits: { 'users.inf': '5/s' },
				keys: true,
				tlsCert: '/nowhere/cert.pem',
				tlsKey: '/nowhere/key.pem',
			}),
		);
		expect(error).to.be.instanceOf(OptionError);
		for (const name of ['nonsense', 'maxBody', 'users.inf', '/nowhere/cert.pem', '/nowhere/key.pem'])
			expect(error.message).to.include(name);
		expect(error.message).to.match(/^5 settings are wrong:\n/);
	});

	it('are refused by createServer if they belong to a class or a prototype', async () => {
		class Options {
			get port() {
				return 0;
			}
		}
		for (const options of [new Options(), Object.create({ port: 0 })]) {
			const error = await rejection(createServer(Object.assign(options, { store: { memory: true } })));
			expect(error.message).to.equal(
				'port must be a member of the options themselves, not of their class or prototype',
			);
		}
	});

	it('come from flags, else variables, else a file, else the defaults', async () => {
		await write({ port: 1, 'max-body': 5000, 'sign-ups': true, metrics: 9464, grace: 3, memory: true });
		const args = ['--config', file, '--port', '3'];
		const settings = await printed(args, { PORT: '2', ROOMKEY_MAX_BODY: '6000' });
		expect(Object.fromEntries(settings)).to.include({
			port: '3 from --port',
			'max-body': '6000 from ROOMKEY_MAX_BODY',
			'sign-ups': `true from ${file}: 'sign-ups'`,
			metrics: `9464 from ${file}: 'metrics'`,
			grace: `3 from ${file}: 'grace'`,
			memory: `true from ${file}: 'memory'`,
			compression: 'false from default',
			config: `${file} from --config`,
		});
	});

	it('are refused by the server and other commands if their type is wrong', async () => {
		const numbers = { data: 5, host: 7, 'trust-proxy': 10, 'log-level': 3 };
		await write(numbers);
		const serve = await runInProcess(['--config', file, '--print-config']);
		expect(serve.status).to.equal(2);
		for (const [name, value] of Object.entries(numbers)) {
			const [, fault] = new RegExp(`'${name}' must be (.*)`).exec(serve.err) ?? [];
			expect(fault, name).to.match(new RegExp(`, not ${value}$`));
		}
		for (const [name, value] of [
			['data', 5],
			['data', ''],
			['mongo-url', 7],
			['mongo-url', false],
		] as const) {
			await write({ [name]: value });
			const list = await runInProcess(['user', 'list', '--config', file]);
			expect(list, name).to.include({ status: 2, out: '' });
			expect(list.err).to.include(`${file}: '${name}' must ${value === '' ? 'not be empty' : `be text, not ${value}`}`);
		}
	});

	it('may be in a file with a byte order mark', async () => {
		await write(`\uFEFF${JSON.stringify({ grace: 3 })}`);
		expect((await printed(['--config', file])).get('grace')).to.equal(`3 from ${file}: 'grace'`);
	});

	it('can be read from the example file in docs/operating.md', async () => {
		const [, text] = /^```json\n([\s\S]*?)^```$/m.exec(await readFile('docs/operating.md', 'utf8')) ?? [];
		await write(text);
		expect(Object.fromEntries(await printed(['--config', file]))).to.include({
			'log-level': `info from ${file}: 'log-level'`,
			limits: `e2e.setRoomKeyID=5/60s, users.list=10/1s, me=off from ${file}: 'limits'`,
		});
	});

	it('are printed without secrets', async () => {
		await write({
			'admin-pass': 'secret-of-the-file',
			'mongo-url': 'mongodb://me:secret-of-mongo@db.example/x?y=z',
			nats: 'me:secret-of-nats@one, tls://me:secret-of-nats@two:1',
			'rocketchat-broker': 'nats://me:secret-of-broker@three',
		});
		const { status, out } = await runInProcess(['--config', file, '--print-config'], {
			env: { ADMIN_EMAIL: 'me@example.com' },
		});
		expect(status).to.equal(0);
		expect(out)
			.to.match(/\nadmin-pass +set, not shown +/)
			.and.match(/\nmongo-url +mongodb:\/\/db.example\/x +/)
			.and.match(/\nnats +one, tls:\/\/two:1 +/)
			.and.match(/\nrocketchat-broker +nats:\/\/three +/);
		expect(out).not.to.match(/secret-of|me@example/);
		const wrong = await runInProcess(['--memory', '--rocketchat-broker', 'nats://me:secret-of-broker@three,four']);
		expect(wrong.status).to.equal(2);
		expect(wrong.err).to.include('--rocketchat-broker must be addresses').and.not.include('secret-of');
	});

	it('may name only one location of the data in a file, which a flag overrules', async () => {
		await write({ data: `${folder}/of-file` });
		const command = start(['--config', file, '--memory', '--port', '0']);
		await command.listening();
		expect(await command.stop()).to.equal(0);
		expect(command.err).to.include('"store":"memory"');
		const second = start(['--config', file, '--port', '0']);
		await second.listening();
		expect(await second.stop()).to.equal(0);
		expect(second.err).to.include(`"store":"${folder}/of-file"`);
		await write({ data: 'x', 'mongo-url': 'mongodb://h/db' });
		expect((await runInProcess(['--config', file])).err)
			.to.include("'data' and ")
			.and.include("'mongo-url': the data has one location");
	});

	for (const [what, text, says] of [
		['is not there', undefined, 'cannot be read'],
		['is no JSON', '{"admin-pass": "secret-of-the-file" nonsense', 'is no JSON'],
		['has a comment', '{\n\t"port": 1, // the port\n}', 'in line 2. Comments and trailing commas are not accepted'],
		['has a trailing comma', '{\n\t"port": 1,\n}\n', 'in line 3. Comments'],
		['begins with a comment', '// settings\n{}', "unexpected '/' in line 1"],
		['has a word without quotes', '{\n"a": 1,\n"admin-pass": secret-of-the-file\n}', "unexpected 's' in line 3"],
		['ends too early', '{\n"admin-pass": "secret-of-the-file",\n', 'in line 3'],
		['is a list', '[]', 'must be a JSON object'],
		['names another file', '{"config": "x"}', "unknown setting 'config'"],
		['has the name __proto__', '{"__proto__": {"port": 1}}', "unknown setting '__proto__'"],
	] as const) {
		it(`are refused with the reason if the file ${what}`, async () => {
			if (text !== undefined) await write(text);
			const { status, err } = await runInProcess(['--memory', '--config', file]);
			expect(status).to.equal(2);
			expect(err).to.include(says).and.not.include('secret-of-the-file');
		});
	}

	describe('as environment variables', () => {
		it('are refused if they are unknown, with a suggestion', async () => {
			for (const [name, text] of [
				['ROOMKEY_TRUSTPROXY', 'ROOMKEY_TRUSTPROXY; it is ROOMKEY_TRUST_PROXY'],
				['ROOMKEY_trust_proxy', 'ROOMKEY_trust_proxy; it is ROOMKEY_TRUST_PROXY'],
				['ROOMKEY_PORT', 'ROOMKEY_PORT; it is PORT'],
				['ROOMKEY_HOST', 'ROOMKEY_HOST; it is BIND_IP'],
				['ROOMKEY_MONGO_URL', 'ROOMKEY_MONGO_URL; it is MONGO_URL'],
				['ROOMKEY_NOTHING', 'ROOMKEY_NOTHING; roomkey --help names all'],
			] as const) {
				const env = { [name]: '1', ROOMKEY_GRACE: 'x' };
				const { status, err } = await runInProcess(['--memory'], { env });
				expect(status).to.equal(2);
				expect(err.split('\n').map((line) => line.trim())).to.include(`Unknown environment variable ${text}`);
				expect(err).to.include('ROOMKEY_GRACE must be');
				const checked = await runInProcess(['check', '--data', `${folder}/none`], { env: { PORT: '1', ...env } });
				expect(checked.out, 'check').to.include(`Unknown environment variable ${text}`);
			}
		});

		it('are accepted if commands read them, or Kubernetes sets them for a service named roomkey', async () => {
			const env = {
				ROOMKEY_URL: 'http://127.0.0.1:1',
				ROOMKEY_TOKEN: 'x',
				ROOMKEY_TOKEN_FILE: 'x',
				ROOMKEY_SERVICE_HOST: '10.0.0.1',
				ROOMKEY_SERVICE_PORT: '3000',
				ROOMKEY_SERVICE_PORT_HTTP: '3000',
				ROOMKEY_PORT: 'tcp://10.0.0.1:3000',
				ROOMKEY_PORT_3000_TCP: 'tcp://10.0.0.1:3000',
				ROOMKEY_PORT_3000_TCP_ADDR: '10.0.0.1',
				ROOMKEY_DB_SERVICE_HOST: '10.0.0.2',
			};
			expect(await runInProcess(['--memory', '--print-config'], { env })).to.include({ status: 0 });
		});
	});
});
