/** Requests and answers over REST (`test/contract/rocketchat-e2e.md` 6.2, 7). */
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { get, headersOf, post, request } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, rest: 'POST' } as const;

const methods = [
	method({ ...anyone, name: 'test.echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({
		...anyone,
		name: 'test.throw',
		args: { code: Match.OneOf(String, Number) },
		run: ({ code }) => Promise.reject(new ClientError(code, 'Reason', { d: 1 })),
	}),
	method({
		...anyone,
		name: 'test.withoutReason',
		args: {},
		run: () => Promise.reject(new ClientError('some-code')),
	}),
	method({ ...anyone, name: 'test.fail', args: {}, run: () => Promise.reject(new Error('a secret')) }),
	method({ ...anyone, name: 'test.date', args: {}, run: () => new Date(5) }),
	method({ ...anyone, name: 'test.bigint', args: {}, run: () => [10n] }),
	method({
		...anyone,
		name: 'test.get',
		rest: 'GET',
		args: { a: Match.Any },
		run: ({ a }, { userId }) => ({ a, userId }),
	}),
	method({
		...anyone,
		name: 'test.search',
		rest: 'GET',
		args: { options: Match.Optional({ prefix: String }) },
		run: ({ options }) => ({ options: options ?? null }),
	}),
	method({ ...anyone, name: 'test.list', rest: 'GET', args: { ids: [String] }, run: ({ ids }) => ({ ids }) }),
];

describe('REST', () => {
	let app: TestApp;
	let api: string;
	let setRoomKeyID: string;
	let alice: Person;
	let bob: Person;

	before(async () => {
		app = await startApp({ methods });
		api = `${app.url}/api/v1`;
		setRoomKeyID = `${api}/e2e.setRoomKeyID`;
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
		bob = await addPerson(app.store);
	});
	after(() => app.close());

	describe('credentials and fields, mostly of e2e.setRoomKeyID (6.2)', () => {
		it('sets the key id, and answers success (6.2)', async () => {
			const rid = await addRoom(app.store, [alice]);
			const { status, text } = await post(setRoomKeyID, alice, { rid, keyID: 'my-UniQu3_ke4_Id' });
			expect({ status, text }).to.deep.equal({ status: 200, text: '{"success":true}' });
			expect(await keyIdOf(app.store, rid)).to.equal('my-UniQu3_ke4_Id');
		});

		for (const [what, headers] of [
			['no credentials', {}],
			['no token', { 'X-User-Id': 'alice' }],
			['empty credentials', { 'X-User-Id': '', 'X-Auth-Token': '' }],
			['unknown credentials', { 'X-User-Id': 'x', 'X-Auth-Token': 'x' }],
		] as const) {
			it(`answers ${what} with 401 before checking the body (6.2, 7.1 for Rocket.Chat before 4, 7.2)`, async () => {
				const { status, text } = await request(setRoomKeyID, {
					method: 'POST',
					headers: { 'Content-Type': 'application/json', ...headers },
					body: '{}',
				});
				expect({ status, text }).to.deep.equal({ status: 401, text: '{"success":false,"error":"unauthorized"}' });
			});
		}

		it('accepts header names in any case, but only the exact token (7.2)', async () => {
			const ask = (headers: Record<string, string>) => request(`${api}/me`, { headers });
			expect((await ask({ 'x-user-id': alice.id, 'X-AUTH-TOKEN': alice.token })).status).to.equal(200);
			for (const token of [`Bearer ${alice.token}`, alice.token.slice(1), hashToken(alice.token)])
				expect((await ask({ 'X-User-Id': alice.id, 'X-Auth-Token': token })).status).to.equal(401);
		});

		it('refuses the token of another user (7.2)', async () => {
			const { status } = await post(setRoomKeyID, { ...alice, token: bob.token }, {});
			expect(status).to.equal(401);
		});

		it('refuses an expired token (7.2, 9.3)', async () => {
			const old = await addPerson(app.store, { tokenMadeAt: new Date(Date.now() - 91 * 24 * 60 * 60 * 1000) });
			expect((await post(setRoomKeyID, old, {})).status).to.equal(401);
		});

		it('refuses a user who was deactivated (7.2)', async () => {
			const inactive = await addPerson(app.store, { active: false });
			expect((await post(setRoomKeyID, inactive, {})).status).to.equal(401);
		});

		for (const [body, got] of [
			[{}, 'undefined'],
			[{ keyID: 'k' }, 'undefined'],
			[{ rid: 5, keyID: 'k' }, 'number'],
			[{ rid: null, keyID: 'k' }, 'null'],
			[{ rid: { $ne: '' }, keyID: 'k' }, 'object'],
			[{ rid: 'r' }, 'undefined'],
			[{ rid: 'r', keyID: true }, 'boolean'],
		] as const) {
			it(`refuses ${JSON.stringify(body)}: rid and keyID must be strings (6.2, 7.3)`, async () => {
				const { status, text } = await post(setRoomKeyID, alice, body);
				expect({ status, text }).to.deep.equal({
					status: 400,
					text: `{"success":false,"error":"Match error: Expected string, got ${got}"}`,
				});
			});
		}

		for (const rid of ['nowhere', '']) {
			it(`answers the unknown rid '${rid}' with error-invalid-room (6.2)`, async () => {
				const { status, text } = await post(setRoomKeyID, alice, { rid, keyID: 'k' });
				expect({ status, text }).to.deep.equal({
					status: 400,
					text: '{"success":false,"error":"Invalid room [error-invalid-room]","errorType":"error-invalid-room","details":{"method":"canAccessRoom"}}',
				});
			});
		}

		it('answers error-invalid-room for a room that the caller may not see (6.2)', async () => {
			const rid = await addRoom(app.store, [bob]);
			const { status, text } = await post(setRoomKeyID, alice, { rid, keyID: 'k' });
			expect({ status, text }).to.deep.equal({
				status: 400,
				text: '{"success":false,"error":"Invalid room [error-invalid-room]","errorType":"error-invalid-room","details":{"method":"e2e.setRoomKeyID"}}',
			});
		});

		it('answers error-room-e2e-key-already-exists for a room with a key id (6.2)', async () => {
			const rid = await addRoom(app.store, [alice], { e2eKeyId: 'first' });
			const { status, text } = await post(setRoomKeyID, alice, { rid, keyID: 'k' });
			expect({ status, text }).to.deep.equal({
				status: 400,
				text:
					'{"success":false,"error":"E2E Key ID already exists [error-room-e2e-key-already-exists]",' +
					'"errorType":"error-room-e2e-key-already-exists","details":{"method":"e2e.setRoomKeyID"}}',
			});
		});

		it('names an unknown field in the error, and sets nothing (6.2)', async () => {
			const rid = await addRoom(app.store, [alice]);
			const { status, body } = await post(setRoomKeyID, alice, { rid, keyID: 'k', more: 1 });
			expect({ status, body }).to.deep.equal({
				status: 400,
				body: {
					success: false,
					error: 'The field "more" is not known here [invalid-params]',
					errorType: 'invalid-params',
					details: { method: 'e2e.setRoomKeyID' },
				},
			});
			expect(await keyIdOf(app.store, rid)).to.equal(undefined);
		});

		it('accepts a URL-encoded form', async () => {
			const rid = await addRoom(app.store, [alice]);
			const { status } = await request(setRoomKeyID, {
				method: 'POST',
				headers: headersOf(alice),
				body: new URLSearchParams({ rid, keyID: 'k' }),
			});
			expect(status).to.equal(200);
		});

		it('converts texts of a form to booleans', async () => {
			const postForm = (path: string, form: Record<string, string>) =>
				request(`${app.url}/api/v1/${path}`, {
					method: 'POST',
					headers: headersOf(alice),
					body: new URLSearchParams(form),
				});
			const keys = { public_key: 'public', private_key: 'private' };
			await postForm('e2e.setUserPublicAndPrivateKeys', keys);
			expect((await postForm('e2e.setUserPublicAndPrivateKeys', keys)).status).to.equal(400);
			expect((await postForm('e2e.setUserPublicAndPrivateKeys', { ...keys, force: 'true' })).status).to.equal(200);
			expect((await postForm('e2e.setUserPublicAndPrivateKeys', { ...keys, force: 'perhaps' })).status).to.equal(400);
			const { body } = await postForm('groups.create', { name: 'by-a-form', readOnly: 'true' });
			expect(body.group).to.include({ ro: true });
		});
	});

	describe('requests and answers (7.3)', () => {
		for (const [value, text] of [
			[{ a: 1 }, '{"a":1,"success":true}'],
			[[1, 2], '{"result":[1,2],"success":true}'],
			['x', '{"result":"x","success":true}'],
			[null, '{"result":null,"success":true}'],
		] as const) {
			it(`wraps ${JSON.stringify(value)}`, async () => {
				expect((await post(`${api}/test.echo`, null, { value })).text).to.equal(text);
			});
		}

		it('wraps a Date as `result`', async () => {
			expect((await post(`${api}/test.date`, null, {})).text).to.equal(
				'{"result":"1970-01-01T00:00:00.005Z","success":true}',
			);
		});

		for (const [code, status, rest] of [
			['some-code', 400, ',"errorType":"some-code","details":{"d":1}}'],
			['error-forbidden', 400, ',"errorType":"error-forbidden","details":{"d":1}}'],
			['unauthorized', 403, '}'],
			['error-unauthorized', 403, '}'],
			['error-too-many-requests', 429, '}'],
		] as const) {
			it(`answers ${code} with ${status}`, async () => {
				const answer = await post(`${api}/test.throw`, null, { code });
				expect(answer.status).to.equal(status);
				expect(answer.text).to.equal(`{"success":false,"error":"Reason [${code}]"${rest}`);
			});
		}

		it('sends the code as the text of an error without a reason', async () => {
			const { status, text } = await post(`${api}/test.withoutReason`, null, {});
			expect({ status, text }).to.deep.equal({
				status: 400,
				text: '{"success":false,"error":"[some-code]","errorType":"some-code"}',
			});
		});

		it('sends the headers of Rocket.Chat with success and with errors (7.3)', async () => {
			for (const [status, path, init] of [
				[200, 'test.get?a=1', {}],
				[400, 'test.throw', { method: 'POST' }],
				[401, 'me', {}],
				[404, 'nope', {}],
				[405, 'test.throw', {}],
				[500, 'test.fail', { method: 'POST' }],
			] as const) {
				const answer = await request(`${api}/${path}`, init);
				expect(answer.status).to.equal(status);
				expect(answer.headers.get('content-type')).to.equal('application/json');
				expect(answer.headers.get('cache-control')).to.equal('no-store');
				expect(answer.headers.get('pragma')).to.equal('no-cache');
			}
		});

		for (const name of ['test.fail', 'test.bigint']) {
			it(`answers ${name} with 500 and reveals nothing`, async () => {
				const { status, text } = await post(`${api}/${name}`, null, {});
				expect({ status, text }).to.deep.equal({
					status: 500,
					text: '{"success":false,"error":"Internal server error"}',
				});
			});
		}

		it('reads the arguments of a GET from the query', async () => {
			const { text } = await request(`${api}/test.get?a=%C3%A9`);
			expect(text).to.equal('{"a":"é","userId":null,"success":true}');
		});

		for (const query of ['a=%E0%A4%A', 'a=%', 'a=1&b=%zz', '%C3=1']) {
			it(`refuses an unparsable query: ${query}`, async () => {
				const { status, body } = await request(`${api}/test.get?${query}`);
				expect(status).to.equal(400);
				expect(body).to.deep.equal({ success: false, error: 'Invalid query parameters' });
			});
		}

		it('checks credentials before the query', async () => {
			expect((await request(`${api}/e2e.fetchMyKeys?a=%`)).status).to.equal(401);
		});

		it('knows the caller where no login is required, and ignores a wrong token there', async () => {
			const { body } = await get(`${api}/test.get?a=1`, alice);
			expect(body.userId).to.equal(alice.id);
			for (const headers of [{ 'X-Auth-Token': 'x' }, headersOf({ id: alice.id, token: 'stale' })]) {
				const answer = await request(`${api}/test.get?a=1`, { headers });
				expect([answer.status, answer.body.userId]).to.deep.equal([200, null]);
			}
			const settings = await request(`${api}/settings.public`, {
				headers: headersOf({ id: alice.id, token: 'stale' }),
			});
			expect([settings.status, settings.body.success]).to.deep.equal([200, true]);
		});

		it('reports the configured version of Rocket.Chat to everybody at /api/info and /api/v1/info', async () => {
			for (const url of [`${app.url}/api/info`, `${api}/info`]) {
				for (const headers of [{}, headersOf({ id: alice.id, token: 'stale' })]) {
					const { status, body } = await request(url, { headers });
					const version = '8.0.0';
					expect({ status, body }).to.deep.equal({ status: 200, body: { success: true, version, info: { version } } });
				}
				expect((await post(url, null, {})).status).to.equal(405);
			}
			const other = await startApp({ rocketChatVersion: '8.6.1' });
			expect((await request(`${other.url}/api/info`)).body).to.include({ version: '8.6.1' });
			await other.close();
		});

		describe('a list parameter of a GET', () => {
			const list = async (query: string) => (await request(`${api}/test.list?${query}`)).body.ids;

			it('can be repeated, be written with name[], or be JSON text', async () => {
				for (const query of ['ids=a&ids=b', 'ids[]=a&ids[]=b', `ids=${encodeURIComponent('["a","b"]')}`])
					expect(await list(query), query).to.deep.equal(['a', 'b']);
			});

			it('with one element can be plain text or JSON text; an empty list is JSON text', async () => {
				for (const query of ['ids=a', 'ids[]=a', `ids=${encodeURIComponent(' ["a"] ')}`])
					expect(await list(query), query).to.deep.equal(['a']);
				expect(await list(`ids=${encodeURIComponent('[]')}`)).to.deep.equal([]);
			});

			it('takes a text that is no JSON list of texts as its only element', async () => {
				for (const text of ['["a', '[1,2]', '{"a":1}'])
					expect(await list(`ids=${encodeURIComponent(text)}`)).to.deep.equal([text]);
			});
		});

		it('reads an object of a GET from JSON text, not from options[prefix]', async () => {
			const search = async (query: Record<string, string>) =>
				(await request(`${api}/test.search?${new URLSearchParams(query)}`)).body;
			expect(await search({ options: '{"prefix":"a"}' })).to.deep.equal({ options: { prefix: 'a' }, success: true });
			expect(await search({})).to.deep.equal({ options: null, success: true });
			expect((await search({ options: '{"prefix":1}' })).error).to.equal(
				'Match error: Expected string, got number in field prefix',
			);
			expect(await search({ prefix: 'a' })).to.include({ errorType: 'invalid-params' });
			expect(await search({ 'options[prefix]': 'a' })).to.include({ errorType: 'invalid-params' });
		});

		describe('fields that a method does not know', () => {
			it('are refused in a query and in a form', async () => {
				for (const query of ['a=1&b=2', 'a=1&__proto__=x', 'a=1&toString[]=x'])
					expect((await request(`${api}/test.get?${query}`)).body.errorType, query).to.equal('invalid-params');
				const body = new URLSearchParams({ value: '1', other: '2' });
				expect((await request(`${api}/test.echo`, { method: 'POST', body })).body).to.include({
					error: 'The field "other" is not known here [invalid-params]',
				});
			});

			it('are ignored in a GET if Rocket.Chat’s lists take them, except a `query` that filters', async () => {
				const { status } = await request(`${api}/test.get?a=1&count=5&offset=0&sort=%7B%7D&fields=%7B%7D&query=%7B%7D`);
				expect(status).to.equal(200);
				const filtered = await request(`${api}/test.get?a=1&query=${encodeURIComponent('{"name":"x"}')}`);
				expect(filtered.body).to.include({ success: false, errorType: 'error-invalid-params' });
				expect((await post(`${api}/test.echo`, null, { value: 1, count: 5 })).status).to.equal(400);
			});

			it('are refused by login and logout', async () => {
				const credentials = { user: 'alice', password: 'secret' };
				expect((await post(`${api}/login`, null, { ...credentials, remember: true })).body).to.include({
					error: 'Match error: Unknown key in field remember',
				});
				const carol = await addPerson(app.store);
				expect((await post(`${api}/logout`, carol, { everywhere: true })).status).to.equal(400);
				expect((await get(`${api}/me`, carol)).status).to.equal(200);
			});
		});

		// `encypted` is misspelt on purpose.
		for (const unknown of [{ archived: true }, { roomType: 'p' }, { encypted: false }, { roomAvatar: 'data:' }]) {
			it(`rooms.saveRoomSettings refuses ${JSON.stringify(unknown)} and changes nothing`, async () => {
				const rid = await addRoom(app.store, [alice], { encrypted: true });
				const { status, body } = await post(`${api}/rooms.saveRoomSettings`, alice, {
					rid,
					roomTopic: 'new',
					...unknown,
				});
				expect({ status, body }).to.deep.equal({
					status: 400,
					body: {
						success: false,
						error: 'Invalid settings provided [error-invalid-settings]',
						errorType: 'error-invalid-settings',
						details: { method: 'rooms.saveRoomSettings' },
					},
				});
				expect((await app.store.rooms.findOne({ _id: rid }))?.topic).to.equal(undefined);
			});
		}
	});
});
