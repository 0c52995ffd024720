/** Logins by password and by token have separate lanes. A lane runs a limited number at once, and queues the others. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hash } from '@node-rs/bcrypt';
import { expect } from 'chai';
import { LANE_SIZES } from '../../server/core/loginLanes.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { addPerson, type Person } from '../support/people.js';
import { request } from '../support/rest.js';
import { scrape } from '../support/scrape.js';

const PASSWORD = 'correct horse';

const { width, maxWaiting } = LANE_SIZES.password;

const logInWithin = method({
	name: 'test.logInWithin',
	summary: 'Logs in',
	args: { options: Object },
	anonymous: true,
	changesUser: true,
	run: ({ options }, context) => context.call('login', options),
});

describe('logins by password', () => {
	let app: TestApp;
	let person: Person;
	let clients: RawClient[];
	/** While this is set, logins by password wait for it before they find their user. */
	let gate: Promise<void> | undefined;
	let openGate: (() => void) | undefined;
	/** Number of logins that have reached the gate. */
	let looking: number;

	beforeEach(async () => {
		clients = [];
		looking = 0;
		app = await startApp({ methods: [logInWithin], forwardedCount: 1 });
		person = await addPerson(app.store, { password: PASSWORD });
		const { users } = app.store;
		const digest = createHash('sha256').update(PASSWORD).digest('hex');
		// The low cost 4 makes the check of the password fast.
		await users.updateOne({ _id: person.id }, { $set: { 'services.password.bcrypt': await hash(digest, 4) } });
		const findOne = users.findOne.bind(users);
		users.findOne = async (filter, options) => {
			if (gate && 'services.password.bcrypt' in (options?.projection ?? {})) {
				looking++;
				await gate;
			}
			return findOne(filter, options);
		};
	});
	afterEach(async () => {
		openGate?.();
		gate = undefined;
		for (const { socket } of clients) socket.terminate();
		await app.close();
	});

	function holdPasswordLogins(): void {
		gate = new Promise((resolve) => {
			openGate = resolve;
		});
	}

	async function connect(address: string): Promise<RawClient> {
		const client = await RawClient.connect(app.webSocketUrl, { 'x-forwarded-for': address });
		clients.push(client);
		return client;
	}

	const byPassword = () => ({ user: { id: person.id }, password: PASSWORD });

	const logInOverRest = (address: string) =>
		request(`${app.url}/api/v1/login`, {
			method: 'POST',
			body: JSON.stringify({ user: person.username, password: PASSWORD }),
			headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
		});

	const waiting = async () => (await scrape(app.url)).sum('roomkey_logins_waiting', { lane: 'password' });

	/** Fills the lane and its queue, from two addresses, because one address may have only half of the queue. */
	async function fillLane(): Promise<Promise<{ status: number }>[]> {
		holdPasswordLogins();
		const logins = Array.from({ length: width }, () => logInOverRest('1.1.1.1'));
		while (looking < width) await nextTurn();
		for (let i = 0; i < maxWaiting; i++) logins.push(logInOverRest(i % 2 === 0 ? '1.1.1.1' : '2.2.2.2'));
		// The metrics may be a second old.
		while ((await waiting()) < maxWaiting) await nextTurn();
		return logins;
	}

	it('are limited, and delay neither calls nor logins by token', async () => {
		const logins = await fillLane();
		expect(looking).to.equal(width);
		const client = await connect('3.3.3.3');
		expect((await client.call('login', { resume: person.token })).result).to.include({ id: person.id });
		expect((await client.call('rooms/get', null)).error).to.equal(undefined);
		openGate?.();
		expect(new Set((await Promise.all(logins)).map(({ status }) => status))).to.deep.equal(new Set([200]));
	});

	it('get 503 if the queue is full, over DDP and REST', async () => {
		const logins = await fillLane();
		const overRest = await logInOverRest('3.3.3.3');
		expect(overRest.status).to.equal(503);
		expect(Number(overRest.headers.get('retry-after'))).to.be.within(5, 30);
		expect(overRest.body).to.include({ success: false });
		const client = await connect('3.3.3.3');
		const { error } = await client.call('login', byPassword());
		expect(error).to.deep.include({ error: 503, reason: 'Too many users log in at the moment. Please try again.' });
		openGate?.();
		await Promise.all(logins);
		while ((await scrape(app.url)).sum('roomkey_logins_refused_total', { lane: 'password' }) < 2) await nextTurn();
		expect((await scrape(app.url)).sum('roomkey_logins_total', { outcome: 'limited' })).to.equal(2);
		expect((await client.call('login', byPassword())).result).to.include({ id: person.id });
	});

	it('do not wait inside another method', async () => {
		holdPasswordLogins();
		const logins = Array.from({ length: width }, () => logInOverRest('1.1.1.1'));
		while (looking < width) await nextTurn();
		const client = await connect('3.3.3.3');
		const nested = client.call('test.logInWithin', byPassword());
		while (looking < width + 1) await nextTurn();
		openGate?.();
		expect((await nested).result).to.include({ id: person.id });
		await Promise.all(logins);
	});

	it('leave the queue when their client disconnects', async () => {
		holdPasswordLogins();
		const logins = Array.from({ length: width }, () => logInOverRest('1.1.1.1'));
		while (looking < width) await nextTurn();
		const client = await connect('3.3.3.3');
		client.send({ msg: 'method', id: 'login', method: 'login', params: [byPassword()] });
		while ((await waiting()) < 1) await nextTurn();
		client.socket.terminate();
		while ((await waiting()) > 0) await nextTurn();
		expect(looking).to.equal(width);
		openGate?.();
		await Promise.all(logins);
	});
});
