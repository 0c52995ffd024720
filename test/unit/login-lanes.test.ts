/**
 * How many logins run concurrently, and in which order the others follow. Logins by password and logins by token have
 * separate queues, called lanes.
 */
import { expect } from 'chai';
import { login } from '../../methods/accounts/login.js';
import { LoginLanes } from '../../server/core/loginLanes.js';
import { NO_OBSERVER } from '../../server/core/observer.js';
import type { LoginLane } from '../../shared/context.js';
import { ClientError, clientError } from '../../shared/errors.js';
import { rejection } from '../support/rejection.js';

describe('the queues of logins', () => {
	let lanes: LoginLanes;
	/** For each login at work, by name, the function that ends it. */
	let working: Map<string, (failure?: Error) => void>;
	let reported: string[];

	beforeEach(() => {
		working = new Map();
		reported = [];
		const observer = {
			...NO_OBSERVER,
			onLoginRefused: (lane: LoginLane) => void reported.push(`${lane} refused`),
			onWaitingLogins: (lane: LoginLane, count: number) => void reported.push(`${lane} ${count}`),
		};
		const size = { width: 2, maxWaiting: 4 };
		lanes = new LoginLanes(observer, { password: size, token: size });
	});

	function logIn(
		name: string,
		{ address = '1.1.1.1', lane = 'password' as LoginLane, abort = new AbortController() } = {},
	) {
		const work = () =>
			new Promise<string>((resolve, reject) => {
				working.set(name, (failure) => {
					working.delete(name);
					if (failure) reject(failure);
					else resolve(name);
				});
			});
		return lanes.run(lane, { address, signal: abort.signal }, work);
	}

	const atWork = () => [...working.keys()].join('');

	async function end(name: string, login: Promise<string>): Promise<string> {
		working.get(name)?.();
		return login;
	}

	it('run two logins concurrently, and the others in order of arrival', async () => {
		const logins = [...'abcd'].map((name) => logIn(name));
		expect(atWork()).to.equal('ab');
		expect(await end('b', logins[1] as Promise<string>)).to.equal('b');
		expect(atWork()).to.equal('ac');
		await end('a', logins[0] as Promise<string>);
		expect(atWork()).to.equal('cd');
		expect(reported).to.deep.equal(['password 1', 'password 2', 'password 1', 'password 0']);
	});

	it('let addresses take turns', async () => {
		const a = logIn('a');
		const b = logIn('b');
		for (const name of 'cd') void logIn(name);
		void logIn('x', { address: '2.2.2.2' });
		await end('a', a);
		expect(atWork()).to.equal('bc');
		await end('b', b);
		expect(atWork()).to.equal('cx');
	});

	it('refuse a login if the queue is full, or its address fills half', async () => {
		for (const name of 'abcd') void logIn(name);
		const beyondHalf = (await rejection(logIn('e'))) as ClientError;
		expect(beyondHalf).to.be.instanceOf(ClientError).and.to.include({ error: 503 });
		expect((beyondHalf.details as { timeToReset: number }).timeToReset).to.be.within(5000, 30_000);
		void logIn('x', { address: '2.2.2.2' });
		void logIn('y', { address: '3.3.3.3' });
		expect(await rejection(logIn('z', { address: '4.4.4.4' }))).to.include({ error: 503 });
		expect(reported.filter((report) => report === 'password refused')).to.have.length(2);
	});

	it('run logins by token and by password independently', () => {
		for (const name of 'abc') void logIn(name);
		void logIn('t', { lane: 'token' });
		expect(atWork()).to.equal('abt');
	});

	it('drop the waiting login of a client that has disconnected', async () => {
		const abort = new AbortController();
		const a = logIn('a');
		void logIn('b');
		const left = rejection(logIn('c', { abort }));
		void logIn('d');
		abort.abort();
		expect(await left).to.include({ error: 503 });
		await end('a', a);
		expect(atWork()).to.equal('bd');
		expect(await rejection(logIn('e', { abort }))).to.include({ error: 503 });
		expect(reported).not.to.include('password refused');
	});

	it('continue after a login that has failed', async () => {
		const failed = rejection(logIn('a'));
		void logIn('b');
		void logIn('c');
		working.get('a')?.(new Error('no database'));
		expect((await failed).message).to.equal('no database');
		expect(atWork()).to.equal('bc');
	});

	it('close the connection of a refused login by token', async () => {
		const tooManyLogins = clientError('tooManyLogins');
		let closed = 0;
		let refused: Promise<unknown> = Promise.reject(tooManyLogins);
		const context = { connection: { close: () => closed++ }, store: {}, inLoginLane: () => refused };
		const resume = () => Promise.resolve(login.run({ options: { resume: 'a token' } }, context as never));
		// If the connection stayed open, its client would receive the error, and delete its token.
		expect(await rejection(resume())).to.equal(tooManyLogins);
		expect(closed).to.equal(1);
		refused = Promise.resolve('unknown');
		expect(await rejection(resume())).to.have.property('error', 403);
		expect(closed).to.equal(1);
	});
});
