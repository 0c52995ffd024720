/** /api/v1/openapi.json, /asyncapi.json and /api-docs. */
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { enums, number, object, optional } from 'superstruct';
import { z } from 'zod';
import * as catalogue from '../../methods/index.js';
import { asyncapiDocument } from '../../server/describe/asyncapi.js';
import { limitsOf, limitsText } from '../../server/describe/limits.js';
import { openapiDocument } from '../../server/describe/openapi.js';
import { jsonReader } from '../../server/rest/argumentValue.js';
import { routesOf } from '../../server/rest/routes.js';
import { decode } from '../../shared/ejson.js';
import type { RateRule } from '../../shared/limit.js';
import { Match, named } from '../../shared/match.js';
import { checkArgs, method } from '../../shared/method.js';
import type { Pattern } from '../../shared/pattern.js';
import { publication } from '../../shared/publication.js';
import { stream } from '../../shared/stream.js';
import { startApp, type TestApp } from '../support/app.js';
import { request } from '../support/rest.js';
import { Described } from '../support/schemas.js';

// biome-ignore lint/suspicious/noExplicitAny: the tests read known places of documents without types
type Json = Record<string, any>;

const ownMethodDefinition = {
	summary: 'Adds a task',
	args: {
		text: Match.Where((value) => typeof value === 'string', 'text of a task', { type: 'string' }),
		more: optional(object({ priority: number(), color: enums(['red', 'blue']) })),
	},
} as const;

const ownMethod = method({
	name: 'tasks.add',
	...ownMethodDefinition,
	rest: { verb: 'POST', path: 'tasks/:text' },
	limit: { calls: 7, per: 60_000 },
	returns: { id: String, at: Date },
	errors: ['error-task'],
	run: () => ({ id: 'x', at: new Date() }),
});

const withZod = method({
	name: 'tasks.edit',
	summary: 'Changes a task',
	args: { task: z.object({ title: z.string().min(1), done: z.boolean().default(false) }) },
	rest: 'POST',
	run: ({ task }) => task.done,
});

const ownDefinitions = {
	methods: [ownMethod, withZod],
	publications: [
		publication({
			name: 'tasks',
			summary: 'All tasks',
			args: { done: Boolean },
			documents: { tasks: { _id: String, text: String } },
			run: (_args, context) => context.ready(),
		}),
		publication({ name: null, summary: 'For all', args: {}, run: () => {} }),
	],
	streams: [
		stream({ name: 'unknown', summary: 'Anything', mayRead: () => true }),
		stream({
			name: 'alarms',
			summary: 'Alarms',
			events: [{ name: '<list>/due', summary: 'A task is due', args: { id: String } }],
			mayRead: () => true,
		}),
	],
};

async function documentAt(url: string): Promise<Json> {
	const { status, headers, body } = await request(url);
	expect(status).to.equal(200);
	expect(headers.get('content-type')).to.equal('application/json');
	return body;
}

/** The bytes of an answer. `fetch` would decompress them. */
async function rawAnswer(url: string, path: string, acceptEncoding: string): Promise<Buffer> {
	const socket = connect(Number(new URL(url).port), '127.0.0.1');
	const lines = [`GET ${path} HTTP/1.1`, 'Host: x', `Accept-Encoding: ${acceptEncoding}`, 'Connection: close'];
	socket.write(`${lines.join('\r\n')}\r\n\r\n`);
	return Buffer.concat(await socket.toArray());
}

describe('the description of the server', () => {
	let app: TestApp;
	let openapi: Json;
	let asyncapi: Json;
	before(async () => {
		app = await startApp();
		openapi = await documentAt(`${app.url}/api/v1/openapi.json`);
		asyncapi = await documentAt(`${app.url}/asyncapi.json`);
	});
	after(() => app.close());

	for (const path of ['/api/v1/openapi.json', '/asyncapi.json']) {
		describe(path, () => {
			it('is compressed on request, and not sent again to clients that have it', async () => {
				const plain = await fetch(app.url + path, { headers: { 'accept-encoding': 'identity' } });
				const text = await plain.text();
				const etag = plain.headers.get('etag') as string;
				const statusFor = async (tag: string) =>
					(await fetch(app.url + path, { headers: { 'if-none-match': tag } })).status;
				const strong = etag.replace(/^W\//, '');
				for (const tag of [etag, strong, `W/${strong}`, `"other", ${etag}`, `W/"other",${strong}`, '*'])
					expect(await statusFor(tag), tag).to.equal(304);
				for (const tag of ['"other"', strong.slice(1, -1)]) expect(await statusFor(tag), tag).to.equal(200);
				const raw = await rawAnswer(app.url, path, 'gzip');
				const start = raw.indexOf('\r\n\r\n') + 4;
				expect(String(raw.subarray(0, start))).to.match(/content-encoding: gzip/i);
				expect(String(gunzipSync(raw.subarray(start)))).to.equal(text);
				expect(raw.length).to.be.below(text.length / 5);
			});

			for (const [accepted, isCompressed] of [
				['gzip;q=0', false],
				['br, GZIP ; q=0.0', false],
				['*;q=0', false],
				['gzip;q=0, *', false],
				['br', false],
				['br, gzip;q=0.5', true],
				['*', true],
			] as const) {
				it(`is ${isCompressed ? '' : 'not '}compressed for Accept-Encoding: ${accepted}`, async () => {
					const raw = await rawAnswer(app.url, path, accepted);
					const head = String(raw.subarray(0, raw.indexOf('\r\n\r\n')));
					expect(/content-encoding: gzip/i.test(head)).to.equal(isCompressed);
				});
			}

			it('redirects if the path ends with a slash, but not if the query does', async () => {
				const { status, headers } = await fetch(`${app.url}${path}/?x=1`, { redirect: 'manual' });
				expect(status).to.equal(308);
				expect(headers.get('location')).to.equal(`../${path.split('/').at(-1)}`);
				for (const query of ['?x=/', '?/', '?a/?b']) {
					expect((await fetch(app.url + path + query, { redirect: 'manual' })).status, query).to.equal(200);
				}
			});

			it('answers only GET and HEAD', async () => {
				expect((await request(app.url + path, { method: 'HEAD' })).status).to.equal(200);
				const { status, headers } = await request(app.url + path, { method: 'POST' });
				expect(status).to.equal(405);
				expect(headers.get('allow')).to.equal('GET, HEAD');
			});
		});
	}

	it('is valid as OpenAPI 3.1', async () => {
		expect(openapi.openapi).to.equal('3.1.0');
		const { valid, errors } = await new Validator().validate(openapi);
		expect(errors).to.equal(undefined);
		expect(valid).to.equal(true);
	});

	it('is valid as AsyncAPI 3.0', async () => {
		expect(asyncapi.asyncapi).to.equal('3.0.0');
		const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncapi));
		// This diagnostic says only that a newer version of AsyncAPI exists.
		expect(diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version')).to.deep.equal([]);
		expect(document?.allChannels().length).to.equal(Object.keys(asyncapi.channels).length);
	});

	it('has an operation for every route of REST, and no other', () => {
		// The stub of the invoker says that `login` exists, which adds the routes of accounts.
		const routes = routesOf(catalogue.methods, { get: () => true } as never, {} as never, '8.0.0');
		const served = routes.flatMap(({ path, verbs }) => {
			const full = path.startsWith('/') ? path : `/api/v1/${path}`;
			return verbs.map((verb) => `${verb} ${full.replace(/:(\w+)/g, '{$1}')}`);
		});
		const described = Object.entries<Json>(openapi.paths).flatMap(([path, verbs]) =>
			Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
		);
		expect(described.sort()).to.deep.equal(served.sort());
		const ids = Object.values<Json>(openapi.paths).flatMap((path) =>
			Object.values<Json>(path).map((operation) => operation.operationId),
		);
		expect(new Set(ids).size).to.equal(ids.length);
	});

	it('has a channel for every method, publication and stream', () => {
		const namesOf = (kind: string) =>
			Object.values<Json>(asyncapi.channels).flatMap((channel) =>
				channel['x-kind'] === kind ? [channel['x-name']] : [],
			);
		expect(namesOf('method')).to.deep.equal(catalogue.methods.map(({ name }) => name));
		expect(namesOf('publication')).to.deep.equal(catalogue.publications.map(({ name }) => name));
		expect(namesOf('stream')).to.deep.equal(catalogue.streams.map(({ name }) => `stream-${name}`));
		for (const { name, documents } of catalogue.publications) expect(documents, `${name}`).not.to.equal(undefined);
		for (const { name, events } of catalogue.streams) expect(events, name).not.to.equal(undefined);
	});

	for (const definition of catalogue.methods) {
		const { name, rest, returns } = definition;
		it(`has examples of a call that ${name} accepts, and of its result`, () => {
			const { messages } = asyncapi.channels[`method.${name.replaceAll('/', '_')}`];
			const params = decode(structuredClone(messages.call.examples[0].payload.params)) as unknown[];
			expect(() => checkArgs(definition, params)).not.to.throw();
			const { result } = messages.result.examples[0].payload;
			expect(returns?.fault(decode(structuredClone(result)))).to.equal(null);
			if (rest?.verb !== 'POST') return;
			const { post } = openapi.paths[`/api/v1/${rest.path.replace(/:(\w+)/g, '{$1}')}`];
			const body = post.requestBody.content['application/json'].example;
			const given = definition.args.map(([arg, pattern]) =>
				rest.path.includes(`:${arg}`) ? 'text' : jsonReader(pattern)(body[arg]),
			);
			expect(() => checkArgs(definition, rest.body ? [body] : given)).not.to.throw();
		});
	}

	it('says what a rule with a matcher for connections counts by', () => {
		const connectionIds = [
			undefined,
			null,
			() => true,
			(id: unknown) => id !== null,
			(id: unknown) => id === null,
			// Throws for a call over REST, whose id is null. The rule then does not count the call.
			(id: unknown) => (id as string).length > 0,
		];
		const texts = connectionIds.map((connectionId) => {
			const rule = { matcher: { type: 'method', name: 'e2e.roomState', connectionId }, calls: 10, per: 1000 } as const;
			return limitsText(limitsOf('method', 'e2e.roomState', undefined, [rule as RateRule]));
		});
		expect(texts).to.deep.equal([
			'10 calls in 1 second of each server',
			'10 calls in 1 second of each server',
			'10 calls in 1 second of each connection, with REST as one connection',
			'10 calls in 1 second of each connection',
			'10 calls in 1 second of each server, over REST',
			'10 calls in 1 second of each connection',
		]);
	});

	it('says limits, errors and time limits of a method', () => {
		const { 'x-limits': limits } = asyncapi.channels['method.login'];
		expect(limits).to.deep.equal([
			{ calls: 5, per: 10_000, countedBy: 'connection' },
			{ calls: 50, per: 10_000, countedBy: 'address, over REST' },
		]);
		const reset = openapi.paths['/api/v1/e2e.resetRoomKey'].post;
		expect(reset['x-timeout-ms']).to.equal(600_000);
		expect(reset['x-idempotent']).to.equal(true);
		expect(reset['x-limits']).to.deep.equal([{ calls: 600, per: 60_000, countedBy: 'caller' }]);
		expect(reset.responses[400].content['application/json'].schema.properties.errorType.enum).to.include(
			'error-invalid-key-id',
		);
		expect(reset.responses[400].description).to.include(
			'- `error-key-id-mismatch`: This is not a key with the key id of the room',
		);
	});

	it('has a key history as an example, with a hash of the previous entry', () => {
		const [entry] = asyncapi.channels['method.e2e.keyHistory'].messages.result.examples[0].payload.result.history;
		expect(entry.previous).to.match(/^[0-9a-f]{64}$/);
	});

	it('says which answer has no `success`', () => {
		const without = Object.entries<Json>(openapi.paths).flatMap(([path, operations]) =>
			Object.values<Json>(operations).flatMap(({ responses }) => {
				const { schema } = responses[200].content['application/json'];
				return (schema.anyOf ?? [schema]).every((one: Json) => one.required?.includes('success')) ? [] : [path];
			}),
		);
		expect([...new Set(without)]).to.deep.equal(['/api/v1/logout']);
		expect(openapi.info.description).to.include('with `success`, except the answer to a successful `logout`');
	});

	it('describes the status 429 and limit headers only for routes with a limit', () => {
		const limited = (name: string, connectionId?: (id: string | null) => boolean) => ({
			definition: method({ name, summary: 'Limited by a rule', args: {}, errors: [], rest: 'GET', run: () => 1 }),
			rule: { matcher: { type: 'method', name, ...(connectionId && { connectionId }) } } as const,
		});
		const ruled = [limited('ruled'), limited('ruledOverDdp', (id) => id !== null)];
		const methods = [...catalogue.methods, ...ruled.map(({ definition }) => definition)];
		const limits = [...catalogue.limits, ...ruled.map(({ rule }) => rule)];
		const { paths } = openapiDocument({ methods, limits, version: '1' }) as Json;
		const described = (path: string, verb: string) => {
			const { responses } = paths[`/api/v1/${path}`][verb];
			return [429 in responses, 'X-RateLimit-Limit' in (responses[200].headers ?? {})];
		};
		expect(described('e2e.setRoomKeyID', 'post')).to.deep.equal([true, true]);
		expect(described('ruled', 'get')).to.deep.equal([true, true]);
		expect(described('ruledOverDdp', 'get')).to.deep.equal([false, false]);
		expect(described('login', 'post')).to.deep.equal([true, true]);
		expect(described('users.logoutOtherClients', 'post')).to.deep.equal([true, true]);
		expect(described('logout', 'post')).to.deep.equal([false, false]);
		expect(described('info', 'get')).to.deep.equal([false, false]);
		// `method.call` answers 400 if the called method exceeds its limit.
		expect(described('method.call/{method}', 'post')).to.deep.equal([false, true]);
		// Over DDP the rule does limit the method.
		const { channels } = asyncapiDocument({ methods, limits, version: '1', publications: [], streams: [] }) as Json;
		const codes = channels['method.ruledOverDdp'].messages.result.payload.anyOf[1].properties.error.properties.error;
		expect(codes.enum).to.include('too-many-requests');
	});

	for (const name of ['method.call', 'method.callAnon']) {
		it(`describes the headers of the errors of ${name}, and the codes of invalid requests`, () => {
			const { responses } = openapi.paths[`/api/v1/${name}/{method}`].post;
			const rateHeaders = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'];
			expect(responses[200].headers).to.have.all.keys(rateHeaders);
			expect(responses[400].headers).to.have.all.keys([...rateHeaders, 'Retry-After']);
			expect(responses[503].headers).to.have.all.keys('Retry-After');
			expect(responses[400].description).to.include('- `invalid-params`: ');
			expect(responses[400].content['application/json'].schema.anyOf).to.have.length(2);
		});
	}

	it('says which calls are audit events', () => {
		const channels: Record<string, { 'x-audit'?: true; description: string }> = asyncapi.channels;
		for (const { name, rest, audit } of catalogue.methods) {
			const isAudited = audit === true;
			const channel = channels[`method.${name.replaceAll('/', '_')}`];
			expect(channel?.['x-audit'] === true, name).to.equal(isAudited);
			expect(channel?.description.includes('audit event'), name).to.equal(isAudited);
			if (!rest) continue;
			const path = openapi.paths[`/api/v1/${rest.path.replace(/:(\w+)/g, '{$1}')}`];
			expect(path[rest.verb.toLowerCase()]['x-audit'] === true, name).to.equal(isAudited);
		}
		expect(openapi.paths['/api/v1/login'].post['x-audit']).to.equal(true);
		expect(openapi.paths['/api/v1/me'].get).not.to.have.property('x-audit');
	});

	describe('if the server has definitions of its own', () => {
		let other: TestApp;
		before(async () => {
			other = await startApp(ownDefinitions);
		});
		after(() => other.close());

		it('has these methods, with schemas of superstruct, of zod and of Match', async () => {
			const document = await documentAt(`${other.url}/api/v1/openapi.json`);
			expect((await new Validator().validate(document)).valid).to.equal(true);
			const { post } = document.paths['/api/v1/tasks/{text}'];
			expect(post.parameters).to.deep.equal([
				{
					name: 'text',
					in: 'path',
					required: true,
					schema: { type: 'string', description: 'text of a task' },
					example: 'text',
				},
			]);
			expect(post.requestBody.content['application/json'].schema.properties.more).to.deep.equal({
				type: 'object',
				properties: { priority: { type: 'number' }, color: { enum: ['red', 'blue'] } },
				required: ['priority', 'color'],
				additionalProperties: false,
			});
			const edit = document.paths['/api/v1/tasks.edit'].post.requestBody.content['application/json'];
			expect(edit.schema.properties.task).to.deep.include({
				properties: { title: { type: 'string', minLength: 1 }, done: { type: 'boolean', default: false } },
				required: ['title'],
			});
			expect(post.responses[200].content['application/json'].schema.properties.at).to.deep.equal({
				type: 'string',
				format: 'date-time',
			});
			expect(post['x-errors'][0]).to.deep.equal({ code: 'error-task', reasons: [] });
			expect(post['x-limits']).to.deep.equal([{ calls: 7, per: 60_000, countedBy: 'caller' }]);
		});

		it('has no path for login, logout or `me` without methods for accounts', () => {
			const { paths } = openapiDocument({ methods: [ownMethod], limits: [], version: '1' }) as Json;
			expect(Object.keys(paths)).to.have.members([
				'/api/v1/tasks/{text}',
				'/api/v1/method.call/{method}',
				'/api/v1/method.callAnon/{method}',
				'/api/v1/info',
				'/api/info',
			]);
		});

		it('has routes of any verb, at any path', () => {
			const define = (verb: 'PUT' | 'DELETE') =>
				method({
					...ownMethodDefinition,
					name: verb,
					rest: { verb, path: `/own/:text/${verb}` },
					run: () => undefined,
				});
			const { paths } = openapiDocument({
				methods: [define('PUT'), define('DELETE')],
				limits: [],
				version: '1',
			}) as Json;
			expect(paths['/own/{text}/PUT'].put).to.have.property('requestBody');
			const removing = paths['/own/{text}/DELETE'].delete;
			expect(removing).not.to.have.property('requestBody');
			expect(removing.parameters.map((one: Json) => `${one.in} ${one.name}`)).to.deep.equal([
				'path text',
				'query more',
			]);
		});

		it('shows fields of a returned object beside `success`, and other values as `result`', async () => {
			const answering = (name: string, returns: Pattern, ...values: readonly unknown[]) => ({
				definition: method({
					name,
					summary: 'Answers',
					args: { index: Number },
					rest: 'GET',
					anonymous: true,
					returns,
					run: ({ index }) => values[index],
				}),
				values,
			});
			const either = named('Either', Match.Optional(Match.OneOf({ text: String }, { count: Number }, String)));
			const cases = [
				answering('ofZod', z.object({ text: z.string() }), { text: 'a' }),
				answering('named', either, { text: 'a' }, { count: 1 }, 'a', undefined),
				answering(
					'inWords',
					Match.Where(() => true, 'any value'),
					{ text: 'a' },
					'a',
				),
			];
			const own = await startApp({ methods: cases.map(({ definition }) => definition) });
			try {
				const described = new Described(await documentAt(`${own.url}/api/v1/openapi.json`));
				for (const { definition, values } of cases) {
					const path = `/api/v1/${definition.name}`;
					const schema = ['paths', path, 'get', 'responses', '200', 'content', 'application/json', 'schema'];
					for (const [index] of values.entries()) {
						const { body } = await request(`${own.url}${path}?index=${index}`);
						expect(body.success, path).to.equal(true);
						expect(described.fault(body, schema), `${path} ${index}`).to.equal(undefined);
					}
					expect(described.fault({ success: false }, schema), path).to.be.a('string');
				}
			} finally {
				await own.close();
			}
		});

		it('describes objects and lists of objects in a query as JSON text', async () => {
			const list = method({
				name: 'tasks.list',
				summary: 'Lists tasks',
				args: {
					options: Match.Optional({ prefix: String }),
					ranges: [{ from: Number }],
					ids: [String],
					idOrRange: Match.OneOf(String, { from: Number }),
				},
				rest: 'GET',
				run: () => ({}),
			});
			const document = openapiDocument({ methods: [list], limits: [], version: '1' }) as Json;
			expect((await new Validator().validate(document)).errors).to.equal(undefined);
			const parameters: Json[] = document.paths['/api/v1/tasks.list'].get.parameters;
			expect(parameters[0]).to.deep.equal({
				name: 'options',
				in: 'query',
				required: false,
				content: {
					'application/json': {
						schema: {
							type: 'object',
							properties: { prefix: { type: 'string' } },
							required: ['prefix'],
							additionalProperties: false,
						},
						example: { prefix: 'text' },
					},
				},
			});
			expect(parameters.filter(({ content }) => content).map(({ name }) => name)).to.deep.equal(['options', 'ranges']);
			expect(parameters.filter(({ schema }) => schema).map(({ name }) => name)).to.deep.equal(['ids', 'idOrRange']);
		});

		it('has these publications and streams', async () => {
			const { channels } = await documentAt(`${other.url}/asyncapi.json`);
			expect(channels['publication.tasks'].messages['added.tasks'].payload.properties.fields).to.deep.equal({
				type: 'object',
				properties: { text: { type: 'string' } },
				additionalProperties: false,
			});
			const { payload } = channels['stream.alarms'].messages['event.list_due'];
			expect(payload.properties.fields.properties.eventName).to.deep.equal({
				type: 'string',
				pattern: '^[^/]+\\/due$',
			});
			expect(channels['stream.unknown'].messages.event.payload.properties.fields.properties.args).to.deep.equal({
				type: 'array',
			});
		});
	});

	describe('/api-docs', () => {
		it('loads only files of the server, each with a strict policy in its headers', async () => {
			const page = await (await fetch(`${app.url}/api-docs`)).text();
			const linked = Array.from(page.matchAll(/(?:href|src)="(api-docs[^"#]*)"/g), ([, path = '']) => path);
			expect(linked).to.deep.equal(['api-docs/icon.svg', 'api-docs/page.css', 'api-docs/page.js']);
			const scripts = new Set(['page.js']);
			// The loop also visits the scripts that it adds.
			for (const script of scripts) {
				const text = await (await fetch(`${app.url}/api-docs/${script}`)).text();
				for (const [, imported = ''] of text.matchAll(/from '\.\/([^']+)'/g)) scripts.add(imported);
				expect(text).not.to.match(/https?:/);
			}
			expect(scripts.size).to.equal(9);
			for (const path of ['api-docs', ...linked, ...Array.from(scripts, (name) => `api-docs/${name}`)]) {
				const { status, headers } = await fetch(`${app.url}/${path}`);
				expect(status, path).to.equal(200);
				const policy = headers.get('content-security-policy') ?? '';
				expect(policy, path).to.include("default-src 'none'").and.include("script-src 'self'");
				expect(policy, path).not.to.match(/unsafe|\*|https?:/);
				expect(headers.get('x-content-type-options'), path).to.equal('nosniff');
				expect(headers.get('referrer-policy'), path).to.equal('no-referrer');
			}
			expect(page).not.to.match(/<script>|<style|style="| on\w+="/);
		});

		it('redirects from the path with a slash at its end to the page', async () => {
			const { status, headers } = await fetch(`${app.url}/api-docs/`, { redirect: 'manual' });
			expect(status).to.equal(308);
			expect(headers.get('location')).to.equal('../api-docs');
		});

		it('is absent when switched off, but the documents are served', async () => {
			const without = await startApp({ apiDocs: false });
			for (const path of ['api-docs', 'api-docs/page.js']) {
				expect((await request(`${without.url}/${path}`)).status).to.equal(404);
			}
			expect((await request(`${without.url}/asyncapi.json`)).status).to.equal(200);
			await without.close();
		});
	});
});
