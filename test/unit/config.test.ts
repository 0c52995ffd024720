/** The settings of the command `roomkey`, from its flags and the environment. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readConfig } from '../../server/cli/config.js';
import { helpText, settingsTable } from '../../server/cli/help.js';
import { OptionError } from '../../server/options/optionError.js';
import type { Option } from '../../server/options/optionKinds.js';
import { options } from '../../server/options/options.js';

function configOf(line: string, env: NodeJS.ProcessEnv = {}) {
	const request = readConfig(line.split(' ').filter(Boolean), env);
	if (request.kind !== 'serve') throw new Error(`expected serve, got ${request.kind}`);
	return request.config;
}

describe('the configuration', () => {
	it('has defaults', () => {
		expect(configOf('')).to.deep.include({
			port: 3000,
			host: '127.0.0.1',
			demo: false,
			'sign-ups': false,
			store: { kind: 'files', folder: 'roomkey-data' },
			'rate-limit': 'on',
			'once-lifetime': 120_000,
			'once-max': 100_000,
			'forwarded-count': 0,
			'max-connections-per-address': 1000,
			'heartbeat-interval': 15_000,
			'heartbeat-timeout': 15_000,
			'connect-timeout': 45_000,
			'log-level': 'info',
		});
	});

	it('prefers flags to the environment, and the environment to the defaults', () => {
		expect(configOf('', { PORT: '4000' }).port).to.equal(4000);
		expect(configOf('--port 5000', { PORT: '4000' }).port).to.equal(5000);
		expect(configOf('--port=0', { PORT: '' }).port).to.equal(0);
		expect(configOf('', { PORT: '' }).port).to.equal(3000);
		expect(configOf('', { ROOMKEY_COMPRESSION: 'on' }).compression).to.equal(true);
		expect(configOf('', { ROOMKEY_COMPRESSION: 'off' }).compression).to.equal(false);
		expect(configOf('--compression', { ROOMKEY_COMPRESSION: 'off' }).compression).to.equal(true);
	});

	it('reads switches in the environment as true or false', () => {
		expect(configOf('--sign-ups')['sign-ups']).to.equal(true);
		expect(configOf('', { ROOMKEY_SIGN_UPS: 'true' })['sign-ups']).to.equal(true);
		expect(configOf('', { ROOMKEY_SIGN_UPS: 'false' })['sign-ups']).to.equal(false);
		expect(configOf('--sign-ups', { ROOMKEY_SIGN_UPS: 'false' })['sign-ups']).to.equal(true);
	});

	for (const [line, env, store] of [
		['--data x', {}, { kind: 'files', folder: 'x' }],
		['', { ROOMKEY_DATA: 'x' }, { kind: 'files', folder: 'x' }],
		['--memory', {}, { kind: 'memory' }],
		['--demo', {}, { kind: 'memory' }],
		['--mongo-url mongodb://h/db', {}, { kind: 'mongodb', url: 'mongodb://h/db' }],
		['', { MONGO_URL: 'mongodb://h/db' }, { kind: 'mongodb', url: 'mongodb://h/db' }],
		['--memory', { MONGO_URL: 'mongodb://h/db' }, { kind: 'memory' }],
		['--data x', { MONGO_URL: 'mongodb://h/db' }, { kind: 'files', folder: 'x' }],
	] as const) {
		it(`stores the data where the flags '${line}' and the environment ${JSON.stringify(env)} say`, () => {
			expect(configOf(line, env).store).to.deep.equal(store);
		});
	}

	it('lets the demo listen on this machine only, unless another address is given', () => {
		expect(configOf('--demo').host).to.equal('127.0.0.1');
		expect(configOf('--demo --host 0.0.0.0').host).to.equal('0.0.0.0');
	});

	for (const [line, env, message] of [
		['--nope', {}, "Unknown option '--nope'"],
		['word', {}, 'word'],
		['--port', {}, '--port'],
		['--memory=yes', {}, '--memory'],
		['--port x', {}, "--port must be a whole number from 0 to 65535, not 'x'"],
		['--port 65536', {}, '--port must be a whole number'],
		['--port 1e3', {}, '--port must be a whole number'],
		['', { PORT: '-1' }, 'PORT must be a whole number'],
		['', { ROOMKEY_SIGN_UPS: 'yes' }, "ROOMKEY_SIGN_UPS must be true or false, not 'yes'"],
		['--log-level loud', {}, "--log-level must be one of debug, info, warn, error, silent, not 'loud'"],
		['', { ROOMKEY_COMPRESSION: 'much' }, "ROOMKEY_COMPRESSION must be true or false, not 'much'"],
		['', { ROOMKEY_RATE_LIMIT: 'no' }, "ROOMKEY_RATE_LIMIT must be one of on, off, dry-run, not 'no'"],
		['', { HTTP_FORWARDED_COUNT: '-1' }, 'HTTP_FORWARDED_COUNT must be a whole number from 0 to 100'],
		['--once-lifetime 3600001', {}, '--once-lifetime must be a whole number from 0 to 3600000'],
		['', { ROOMKEY_ONCE_MAX: '0' }, 'ROOMKEY_ONCE_MAX must be a whole number from 1 to 10000000'],
		['--data=', {}, '--data must not be empty'],
		['', { ADMIN_PASS: ' ' }, 'ADMIN_PASS must be a password'],
		['', { ADMIN_USERNAME: 'a b' }, 'ADMIN_USERNAME must be letters, digits and any of . _ - only'],
		['', { ADMIN_EMAIL: 'nobody' }, 'ADMIN_EMAIL must be an e-mail address'],
		['--memory --demo', {}, 'choose one of --memory and --demo'],
		['--data x --mongo-url y', {}, 'choose one of --data and --mongo-url'],
		['', { MONGO_URL: 'x', ROOMKEY_DATA: 'y' }, 'choose one of ROOMKEY_DATA and MONGO_URL'],
	] as const) {
		it(`refuses the flags '${line}' with the environment ${JSON.stringify(env)}`, () => {
			expect(() => configOf(line, env)).to.throw(OptionError, message);
		});
	}

	it('reports an empty --config once', () => {
		expect(() => configOf('--config=')).to.throw(OptionError, /^--config must not be empty$/);
	});

	it('answers --help and --version before anything else', () => {
		expect(readConfig(['--help', '--memory', '--demo'], {}).kind).to.equal('help');
		expect(readConfig(['-h'], {}).kind).to.equal('help');
		expect(readConfig(['--version'], { PORT: 'x' }).kind).to.equal('version');
	});

	it('explains every option in --help', () => {
		for (const [name, { meaning, isSecret, env, flag = name }] of Object.entries<Option<unknown>>(options)) {
			expect(helpText())
				.to.include(isSecret ? (env as string) : `--${flag}`)
				.and.include(meaning);
		}
	});

	it('reads the first admin only from the environment', () => {
		const env = { ADMIN_USERNAME: 'root', ADMIN_PASS: ' secret ', ADMIN_EMAIL: 'root@example.com' };
		const admin = { 'admin-username': 'root', 'admin-pass': ' secret ', 'admin-email': 'root@example.com' };
		expect(configOf('', env)).to.include(admin);
		expect(configOf('', { ADMIN_PASS: '' })).to.include({ 'admin-username': 'admin', 'admin-pass': undefined });
		expect(() => configOf('--admin-pass secret')).to.throw(OptionError, "Unknown option '--admin-pass'");
		expect(helpText()).not.to.include('--admin');
	});

	it('has its table of settings in docs/operating.md', () => {
		expect(readFileSync('docs/operating.md', 'utf8')).to.include(settingsTable());
	});
});
