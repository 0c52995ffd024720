/** The user of a connection, over real sockets (test/contract/ddp.md section 16). */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { get, headersOf, request } from '../support/rest.js';

const digest = (password: string) => ({
	digest: createHash('sha256').update(password).digest('hex'),
	algorithm: 'sha-256',
});

describe('login over DDP (16; test/contract/rocketchat-e2e.md 9.2)', () => {
	let app: TestApp;
	let alice: Person;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp();
		alice = await addPerson(app.store, {
			username: 'alice',
			emails: [{ address: 'alice@example.com', verified: true }],
			password: 'secret',
			e2e: { public_key: 'public', private_key: 'private' },
		});
	});
	after(() => app.close());

	const connect = () => clients.connect(app.webSocketUrl);

	it('publishes the document of the user, without secrets, before its result (16.4)', async () => {
		const client = await connect();
		client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
		expect(await client.next()).to.deep.equal({
			msg: 'added',
			collection: 'users',
			id: alice.id,
			fields: { username: 'alice', emails: [{ address: 'alice@example.com', verified: true }] },
		});
		expect(await client.next()).to.deep.equal({ msg: 'updated', methods: ['1'] });
		const { result } = await client.next();
		expect(result).to.deep.include({ id: alice.id, token: alice.token, type: 'resume' });
		expect((result as { tokenExpires: Date }).tokenExpires).to.be.instanceOf(Date);
	});

	it('accepts a digest, and returns a token for REST and resuming (16.1)', async () => {
		const client = await connect();
		const { result } = await client.call('login', { user: { username: 'alice' }, password: digest('secret') });
		const { id, token } = result as { id: string; token: string };
		expect((await get(`${app.url}/api/v1/me`, { id, token })).status).to.equal(200);
		const again = await connect();
		expect((await again.call('login', { resume: token })).result).to.include({ id, token });
	});

	for (const [what, options, error, reason] of [
		[
			'a wrong password',
			{ user: { username: 'alice' }, password: digest('wrong') },
			403,
			'Something went wrong. Please check your credentials.',
		],
		[
			'an unknown user',
			{ user: { username: 'nobody' }, password: digest('secret') },
			403,
			'Something went wrong. Please check your credentials.',
		],
		['an unknown token', { resume: 'x' }, 403, "You've been logged out by the server. Please log in again."],
		['options without a known field', {}, 400, 'Unrecognized options for login request'],
		['options that are no object', 'alice', 400, 'Match failed'],
		['a number as password', { user: { username: 'alice' }, password: 5 }, 400, 'Match failed'],
	] as const) {
		it(`refuses ${what} (16.3)`, async () => {
			const client = await connect();
			expect((await client.call('login', options)).error).to.include({ error, reason });
			expect((await client.call('me')).error).to.include({ error: 'error-invalid-user' });
		});
	}

	it('applies to later calls of the connection (16)', async () => {
		const rid = await addRoom(app.store, [alice]);
		const client = await connect();
		expect((await client.call('e2e.setRoomKeyID', rid, 'k')).error).to.include({ error: 'error-invalid-user' });
		await client.call('login', { resume: alice.token });
		expect(await client.call('e2e.setRoomKeyID', rid, 'k')).not.to.have.any.keys('result', 'error');
		expect(await keyIdOf(app.store, rid)).to.equal('k');
		expect((await client.call('e2e.setRoomKeyID', rid, 'k')).error).to.deep.include({
			error: 'error-room-e2e-key-already-exists',
			details: { method: 'e2e.setRoomKeyID' },
		});
	});

	it('applies to calls that were sent before its result (5, 16)', async () => {
		const client = await connect();
		client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
		client.send({ msg: 'method', id: '2', method: 'me', params: [] });
		const frames = await client.take(5);
		expect(frames.at(-1)).to.have.nested.property('result._id', alice.id);
	});

	it('removes the document of the user who was logged in before (12, 16.4)', async () => {
		const bob = await addPerson(app.store);
		const client = await connect();
		await client.call('login', { resume: alice.token });
		client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: bob.token }] });
		const [removed, added] = await client.take(4);
		expect(removed).to.deep.equal({ msg: 'removed', collection: 'users', id: alice.id });
		expect(added).to.include({ msg: 'added', id: bob.id });
	});

	it('ends with logout, which removes user document and token (16.1, 16.4)', async () => {
		const person = await addPerson(app.store);
		const client = await connect();
		await client.call('login', { resume: person.token });
		client.send({ msg: 'method', id: '1', method: 'logout', params: [] });
		expect(await client.next()).to.deep.equal({ msg: 'removed', collection: 'users', id: person.id });
		expect(await client.nextText()).to.equal('{"msg":"updated","methods":["1"]}');
		expect(await client.nextText()).to.equal('{"msg":"result","id":"1"}');
		expect((await client.call('me')).error).to.include({ error: 'error-invalid-user' });
		expect((await client.call('login', { resume: person.token })).error).to.include({ error: 403 });
	});

	it('ends only on connections whose token is removed over REST (16.2)', async () => {
		const person = await addPerson(app.store, { username: 'two-devices', password: 'secret' });
		const [first, second, other] = [await connect(), await connect(), await connect()];
		await first.call('login', { resume: person.token });
		await second.call('login', { resume: person.token });
		await other.call('login', { user: { username: 'two-devices' }, password: digest('secret') });
		await request(`${app.url}/api/v1/logout`, { method: 'POST', headers: headersOf(person) });
		expect(await first.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		await second.closed;
		expect((await other.call('me')).result).to.include({ _id: person.id });
	});
});
