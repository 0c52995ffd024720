/** Invalid requests over REST (`test/contract/rocketchat-e2e.md` 7.3). */
import { connect } from 'node:net';
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { request } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, rest: 'POST' } as const;

const methods = [
	method({ ...anyone, name: 'test.echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'a/b', rest: undefined, args: {}, run: () => 'slashed' }),
];

describe('invalid requests over REST (7.3)', () => {
	let app: TestApp;
	let api: string;

	before(async () => {
		app = await startApp({ methods });
		api = `${app.url}/api/v1`;
	});
	after(() => app.close());

	const json = { 'Content-Type': 'application/json' };

	for (const [what, path, init, status, error] of [
		['an unknown path', '/api/v1/nope', {}, 404, 'Resource not found'],
		['the root', '/', {}, 404, 'Resource not found'],
		['a method without a REST route', '/api/v1/a/b', { method: 'POST' }, 404, 'Resource not found'],
		['a broken escape', '/api/v1/%zz', {}, 400, "'/api/v1/%zz' is not a valid url component"],
		[
			'broken JSON',
			'/api/v1/test.echo',
			{ method: 'POST', headers: json, body: '{"a' },
			400,
			'The body is not valid JSON',
		],
		[
			'a key __proto__',
			'/api/v1/test.echo',
			{ method: 'POST', headers: json, body: '{"value":{"__proto__":{}}}' },
			400,
			'The body is refused: __proto__ is not allowed as a key',
		],
		[
			'a body that is an array',
			'/api/v1/test.echo',
			{ method: 'POST', headers: json, body: '[1]' },
			400,
			'The body must be a JSON object',
		],
		[
			'a body that is a string',
			'/api/v1/test.echo',
			{ method: 'POST', headers: json, body: '"x"' },
			400,
			'The body must be a JSON object',
		],
		[
			'another content type',
			'/api/v1/test.echo',
			{ method: 'POST', headers: { 'Content-Type': 'text/xml' }, body: '<a/>' },
			415,
			'Unsupported Media Type',
		],
		[
			'JSON that is sent as a form, as curl -d does',
			'/api/v1/test.echo',
			{ method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: '{"value":"a=b&c"}' },
			400,
			'The body is JSON, sent as a form: send the header Content-Type: application/json',
		],
		[
			'a body that is too large',
			'/api/v1/test.echo',
			{ method: 'POST', headers: json, body: `"${'x'.repeat(70_000)}"` },
			413,
			'Request body is too large',
		],
	] as const) {
		it(`answers ${what} with ${status}`, async () => {
			const answer = await request(app.url + path, init);
			expect(answer.status).to.equal(status);
			expect(answer.body).to.deep.equal({ success: false, error });
			expect(answer.headers.get('content-type')).to.equal('application/json');
		});
	}

	for (const verb of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
		it(`answers ${verb} of a POST path with 405, even with an invalid body`, async () => {
			const { status, headers, body } = await request(`${api}/e2e.setRoomKeyID`, {
				method: verb,
				headers: json,
				...(verb === 'GET' ? {} : { body: '{broken' }),
			});
			expect(status).to.equal(405);
			expect(headers.get('allow')).to.equal('POST');
			expect(body).to.deep.equal({
				status: 'error',
				message: 'API endpoint does not exist',
				success: false,
				error: `${verb} is not allowed here; use POST`,
			});
		});
	}

	it('treats an empty body as an empty object', async () => {
		for (const headers of [{}, json]) {
			const { status } = await request(`${api}/test.echo`, { method: 'POST', headers });
			expect(status).to.equal(200);
		}
	});

	for (const [what, bytes, status] of [
		['bytes that are no HTTP', 'hello\r\n\r\n', 400],
		['headers that are too long', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
	] as const) {
		it(`answers ${what} with ${status}`, async () => {
			const { hostname, port } = new URL(app.url);
			const socket = connect(Number(port), hostname);
			socket.write(bytes);
			let text = '';
			for await (const chunk of socket) text += chunk;
			expect(text)
				.to.match(new RegExp(`^HTTP/1.1 ${status} `))
				.and.include('"success":false');
		});
	}
});
