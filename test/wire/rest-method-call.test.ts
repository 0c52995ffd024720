/** `method.call` and `method.callAnon` over REST (`test/contract/rocketchat-e2e.md` section 8). */
import { expect } from 'chai';
import { parse, stringify } from '../../shared/ejson.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { post } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, rest: 'POST' } as const;

const methods = [
	method({ ...anyone, name: 'test.echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'test.fail', args: {}, run: () => Promise.reject(new Error('a secret')) }),
	method({ ...anyone, name: 'a/b', rest: undefined, args: {}, run: () => 'slashed' }),
];

describe('method.call and method.callAnon (section 8)', () => {
	let app: TestApp;
	let api: string;
	let alice: Person;

	before(async () => {
		app = await startApp({ methods });
		api = `${app.url}/api/v1`;
		alice = await addPerson(app.store);
	});
	after(() => app.close());

	const call = (path: string, as: Person | null, message: unknown) =>
		post(`${api}/${path}`, as, { message: typeof message === 'string' ? message : stringify(message) });

	it('runs a method with EJSON both ways (8)', async () => {
		const message = { msg: 'method', id: '7', method: 'test.echo', params: [new Date(5)] };
		const { status, text } = await call('method.call/test.echo', alice, message);
		expect({ status, text }).to.deep.equal({
			status: 200,
			text: '{"message":"{\\"msg\\":\\"result\\",\\"id\\":\\"7\\",\\"result\\":{\\"$date\\":5}}","success":true}',
		});
	});

	it('leaves out an undefined result (8)', async () => {
		const rid = await addRoom(app.store, [alice]);
		const message = { msg: 'method', id: '1', method: 'e2e.setRoomKeyID', params: [rid, 'k'] };
		const { body } = await call('method.call/e2e.setRoomKeyID', alice, message);
		expect(body).to.deep.equal({ message: '{"msg":"result","id":"1"}', success: true });
	});

	it('answers an exception with 400, and the error in the message (8)', async () => {
		const message = { msg: 'method', id: '1', method: 'e2e.setRoomKeyID', params: ['nowhere', 'k'] };
		const { status, body } = await call('method.call/e2e.setRoomKeyID', alice, message);
		expect(status).to.equal(400);
		expect(body.success).to.equal(false);
		expect(parse(String(body.message))).to.deep.equal({
			msg: 'result',
			id: '1',
			error: {
				isClientSafe: true,
				error: 'error-invalid-room',
				reason: 'Invalid room',
				details: { method: 'canAccessRoom' },
				message: 'Invalid room [error-invalid-room]',
				errorType: 'Meteor.Error',
			},
		});
	});

	it('hides errors that are not client-safe, and shows a Match error as over DDP', async () => {
		for (const [method, error] of [
			['test.fail', 500],
			['e2e.setRoomKeyID', 400],
		] as const) {
			const { status, body } = await call(`method.call/${method}`, alice, { msg: 'method', id: '1', method });
			expect(status).to.equal(400);
			expect(parse(String(body.message))).to.have.nested.property('error.error', error);
		}
	});

	it('requires a login for method.call; method.callAnon ignores credentials', async () => {
		const message = { msg: 'method', id: '1', method: 'me', params: [] };
		expect((await call('method.call/me', null, message)).status).to.equal(401);
		const { body } = await call('method.callAnon/me', alice, message);
		expect(parse(String(body.message))).to.have.nested.property('error.error', 'error-invalid-user');
	});

	it('can call login without credentials in the headers', async () => {
		const message = { msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] };
		const { status, body } = await call('method.callAnon/login', null, message);
		expect(status).to.equal(200);
		expect(parse(String(body.message))).to.have.nested.property('result.id', alice.id);
	});

	it('takes a message without msg and id, as mobile clients send it', async () => {
		const { status, body } = await call('method.call/test.echo', alice, { method: 'test.echo', params: [5] });
		expect(status).to.equal(200);
		expect(parse(String(body.message))).to.deep.include({ msg: 'result', result: 5 });
	});

	it('answers an unknown method with 400, and error 404 in the message', async () => {
		const { status, body } = await call('method.call/nope', alice, { msg: 'method', id: '1', method: 'nope' });
		expect({ status, success: body.success }).to.deep.equal({ status: 400, success: false });
		expect(parse(String(body.message))).to.have.nested.property('error.error', 404);
	});

	it('expects a colon in the path where the method name has a slash', async () => {
		const { body } = await call('method.callAnon/a:b', null, { msg: 'method', id: '1', method: 'a/b' });
		expect(body.message).to.include('slashed');
	});

	for (const [what, message, error] of [
		['another method in the path', { msg: 'method', id: '1', method: 'me' }, 'The path names another method'],
		['a message that is no EJSON', '{bad', 'message must be the EJSON text'],
		['a message without a method', { msg: 'method', id: '1' }, "Match error: Missing key 'method'"],
		['a DDP message of another kind', { msg: 'sub', id: '1', name: 'x', method: 'x' }, 'in field msg'],
		['params that are no array', { msg: 'method', id: '1', method: 'x', params: 5 }, 'Expected array, got 5'],
	] as const) {
		it(`refuses ${what}`, async () => {
			const { status, body } = await call('method.call/x', alice, message);
			expect(status).to.equal(400);
			expect(body.error).to.include(error);
		});
	}

	it('refuses a body that is not exactly a message', async () => {
		for (const body of [{}, { message: 5 }, { message: '{}', more: 1 }]) {
			const { status, body: answer } = await post(`${api}/method.call/x`, alice, body);
			expect(status).to.equal(400);
			expect(answer.error).to.match(/^Match error: /);
		}
	});
});
