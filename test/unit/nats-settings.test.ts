/** The addresses, credentials and files of NATS. */
import { expect } from 'chai';
import { checkServerOptions } from '../../server/options/checkOptions.js';
import { natsSettings, parseNatsUrls } from '../../server/options/nats.js';
import { OptionError } from '../../server/options/optionError.js';

describe('the settings of NATS', () => {
	const none = { 'nats-credentials': undefined, 'nats-ca': undefined, 'nats-cert': undefined, 'nats-key': undefined };
	const SEED = `SU${'A'.repeat(56)}`;

	it('take addresses with and without credentials', () => {
		expect(parseNatsUrls('nats://one:1234, two')).to.deep.equal({ servers: ['one:1234', 'two:4222'], isTls: false });
		const credentialsIn = (urls: string) => parseNatsUrls(urls).credentials;
		expect(parseNatsUrls('tls://u@host')).to.include({ isTls: true });
		expect(credentialsIn('tls://u%3A%40:p%3A@host')).to.deep.equal({ user: 'u:@', pass: 'p:' });
		expect(credentialsIn('nats://one,nats://token@two')).to.deep.equal({ token: 'token' });
		expect(credentialsIn('nats://to%3Aken@host')).to.deep.equal({ token: 'to:ken' });
		expect(credentialsIn(`nats://${SEED}@host`)).to.deep.equal({ seed: SEED });
	});

	it('prefer nats-credentials to the credentials in an address', () => {
		const credentialsOf = (given: string) =>
			natsSettings('nats://u:p@h', { ...none, 'nats-credentials': given }).credentials;
		expect(credentialsOf('v:q:r')).to.deep.equal({ user: 'v', pass: 'q:r' });
		expect(credentialsOf('token')).to.deep.equal({ token: 'token' });
		expect(credentialsOf(SEED)).to.deep.equal({ seed: SEED });
	});

	it('are not quoted in errors if they contain a password', () => {
		for (const urls of [
			'http://u:secret@host',
			'nats://u:secret@',
			'nats://u:secret@host:port',
			'u:secret%@host',
			'nats://:secret@host',
			'',
		]) {
			expect(() => parseNatsUrls(urls))
				.to.throw(OptionError, /nats must be/)
				.with.property('message')
				.not.include('secret');
		}
	});

	it('require files that can be read, and a certificate with its key', () => {
		expect(() => natsSettings('nats://h', { ...none, 'nats-ca': '/nowhere' })).to.throw(OptionError, /nats-ca/);
		expect(() => natsSettings('nats://h', { ...none, 'nats-cert': '/nowhere' })).to.throw(
			OptionError,
			/need each other/,
		);
	});

	it('are checked with all other settings, before anything is opened', () => {
		const nats = 'nats://127.0.0.1:4222';
		expect(() => checkServerOptions({ nats, natsCert: 'package.json', port: -1 })).to.throw(
			OptionError,
			/^2 settings are wrong:.*port.*nats-cert and nats-key need each other/s,
		);
		expect(() => checkServerOptions({ nats, natsCa: '/nowhere/ca', tlsCert: '/nowhere/cert' })).to.throw(
			OptionError,
			/^2 settings are wrong:.*tls-cert and tls-key need each other.*nats-ca: the file \/nowhere\/ca cannot be read/s,
		);
	});
});
