/** Typed callers with real clients: `callerOf` over DDP, `restCallerOf` over REST. */
import { DDPSDK } from '@rocket.chat/ddp-client';
import { expect } from 'chai';
import SimpleDDP from 'simpleddp';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { ApiOf } from '../../shared/api.js';
import { callerOf, RestError, restCallerOf } from '../../shared/callers.js';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { BrowserWebSocket } from '../support/transports.js';

const common = { summary: 'for a test', anonymous: true } as const;

const methods = [
	method({
		...common,
		name: 'tasks.add',
		args: { text: String, priority: Match.Integer, note: Match.Optional(String) },
		params: ['text', 'priority', 'note'],
		rest: 'POST',
		run: ({ text, priority, note = 'none' }) => ({ text, priority, note }),
	}),
	method({
		...common,
		name: 'tasks.get',
		args: { id: String, parts: Match.Optional([String]), full: Match.Optional(Boolean) },
		rest: { verb: 'GET', path: 'tasks/:id' },
		run: ({ id, parts = [], full = false }) => ({ id, parts, full }),
	}),
	method({
		...common,
		name: 'tasks.due',
		args: { day: Date, since: Date },
		rest: { verb: 'GET', path: 'tasks.due/:day' },
		run: ({ day, since }) => [day, since],
	}),
	method({ ...common, name: 'tasks.count', args: {}, rest: 'GET', run: () => 5 }),
	method({ ...common, name: 'tasks.clear', args: {}, rest: 'POST', run: () => undefined }),
	method({
		...common,
		name: 'tasks.plan',
		args: { plan: z.strictObject({ day: z.number(), hour: z.number().default(9) }) },
		rest: { verb: 'POST', path: 'tasks.plan', body: 'object' },
		run: ({ plan }) => plan.day * 24 + plan.hour,
	}),
	method({
		...common,
		name: 'tasks.fail',
		args: {},
		rest: 'POST',
		run(): never {
			throw new ClientError('error-no-tasks', 'There are no tasks', { count: 0 });
		},
	}),
	method({
		name: 'tasks.mine',
		summary: 'for a test',
		args: {},
		rest: 'GET',
		run: (_args, { userId }) => ({ userId }),
	}),
];

type Api = ApiOf<typeof methods>;

describe('typed callers', () => {
	let app: TestApp;
	let alice: Person;
	before(async () => {
		app = await startApp({ methods });
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
	});
	after(() => app.close());

	describe('over DDP', () => {
		const closing: (() => unknown)[] = [];
		afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

		const clients = {
			async '@rocket.chat/ddp-client'() {
				Object.assign(globalThis, { WebSocket: BrowserWebSocket });
				const sdk = DDPSDK.create(app.url);
				closing.push(() => sdk.connection.close());
				await sdk.connection.connect();
				return sdk.client;
			},
			async simpleddp() {
				const client = new SimpleDDP({ endpoint: app.webSocketUrl, SocketConstructor: WebSocket });
				closing.push(() => client.disconnect());
				await client.connect();
				return client;
			},
		};

		for (const [name, connect] of Object.entries(clients)) {
			it(`call with ${name}`, async () => {
				const api = callerOf<Api>(await connect());
				const added = await api.call('tasks.add', 'write', 2);
				expect(added.note).to.equal('none');
				expect(await api.call('tasks.add', 'write', 2, 'soon')).to.deep.equal({
					text: 'write',
					priority: 2,
					note: 'soon',
				});
				expect(await api.call('tasks.count')).to.equal(5);
				expect(await api.call('tasks.clear')).to.equal(undefined);
				expect(await api.call('tasks.plan', { day: 1 })).to.equal(33);
				expect(await rejection(api.call('tasks.fail'))).to.deep.include({
					error: 'error-no-tasks',
					details: { count: 0 },
				});
			});
		}

		it('prefer callAsync to call, and keep the client as `this`', async () => {
			const meteor = {
				answer: 5,
				call: () => {
					throw new Error('call takes a callback');
				},
				async callAsync(name: string, ...params: unknown[]) {
					return [name, params, this.answer];
				},
			};
			expect(await callerOf<Api>(meteor).call('tasks.add', 'write', 2)).to.deep.equal(['tasks.add', ['write', 2], 5]);
		});

		it('refuse an object that is no client', () => {
			expect(() => callerOf<Api>({})).to.throw('A DDP client must have a function callAsync or call');
		});
	});

	describe('over REST', () => {
		const api = (login: Parameters<typeof restCallerOf>[1] = null) => restCallerOf<Api>(app.url, login);

		it('send arguments by name, and return the body', async () => {
			expect(await api().post('tasks.add', { text: 'write', priority: 2 })).to.deep.equal({
				text: 'write',
				priority: 2,
				note: 'none',
				success: true,
			});
			expect((await api().get('tasks.count')).result).to.equal(5);
			expect(await api().post('tasks.clear')).to.deep.equal({ success: true });
			expect((await api().post('tasks.plan', { day: 1, hour: 0 })).result).to.equal(24);
		});

		it('fill the path, and send the other arguments as a query', async () => {
			const task = await api().get('tasks/:id', { id: 'a/b ?', parts: ['x', 'y&z'], full: true });
			expect(task).to.deep.equal({ id: 'a/b ?', parts: ['x', 'y&z'], full: true, success: true });
			expect(await api().get('tasks/:id', { id: '1' })).to.include({ full: false });
		});

		it('send dates in a path and in a query', async () => {
			const [day, since] = [new Date('2026-01-31'), new Date('2026-01-31T12:00:00.500Z')];
			const { result } = await api().get('tasks.due/:day', { day, since });
			expect(result).to.deep.equal([day.toISOString(), since.toISOString()]);
		});

		it('refuse a call without an argument of the path', async () => {
			const refused = await rejection(api().get('tasks/:id', {} as { id: string }));
			expect(refused).to.include({ message: 'The path tasks/:id needs the argument id' });
		});

		it('send credentials, which a function may choose at each call', async () => {
			const login = { userId: alice.id, token: alice.token };
			expect(await api(login).get('tasks.mine')).to.include({ userId: alice.id });
			let current: typeof login | null = null;
			const mine = api(() => current);
			expect(await rejection(mine.get('tasks.mine'))).to.include({ status: 401 });
			current = login;
			expect((await mine.get('tasks.mine')).userId).to.equal(alice.id);
		});

		it('throw the error of a refused call, with status, code and details', async () => {
			const error = await rejection(api().post('tasks.fail'));
			expect(error).to.be.instanceOf(RestError);
			expect(error).to.deep.include({
				status: 400,
				error: 'error-no-tasks',
				reason: 'There are no tasks [error-no-tasks]',
				details: { count: 0 },
			});
			const wrong = { text: 5, priority: 2 } as unknown as { text: string; priority: number };
			expect(await rejection(api().post('tasks.add', wrong))).to.include({
				status: 400,
				error: 'Match error: Expected string, got number',
			});
		});

		it('throw for an answer that is no JSON object', async () => {
			for (const body of ['<html>', 'null', '"text"', '5']) {
				const send = async () => new Response(body, { status: 502 });
				const broken = restCallerOf<Api>('http://127.0.0.1:1/', null, { fetch: send as typeof fetch });
				expect(await rejection(broken.get('tasks.count'))).to.include({ status: 502, error: 'HTTP 502' });
			}
		});

		it('take further headers, another fetch function, and a signal', async () => {
			const seen: [string, RequestInit | undefined][] = [];
			const send = (async (url: string, init?: RequestInit) => {
				seen.push([url, init]);
				return new Response('{"success":true}');
			}) as typeof fetch;
			const { signal } = new AbortController();
			const withOptions = restCallerOf<Api>('http://host/', null, { fetch: send, headers: { 'x-trace': '1' }, signal });
			await withOptions.get('tasks/:id', { id: 'x' });
			const [[url, init] = ['', undefined]] = seen;
			expect(url).to.equal('http://host/api/v1/tasks/x');
			expect(init).to.deep.include({ method: 'GET', headers: { 'x-trace': '1' }, signal });
		});
	});

	it('rely on `method`, which requires `params` to name all of `args` in their order', () => {
		const args = { a: String, b: String };
		const define = (params: readonly ('a' | 'b')[]) =>
			method({ name: 'x', summary: 'for a test', args, params, run: () => undefined });
		expect(() => define(['a', 'b'])).not.to.throw();
		for (const params of [['b', 'a'], ['a'], ['a', 'b', 'a'], []] as const) {
			expect(() => define(params)).to.throw("The params of method 'x' must be a, b, as in args");
		}
	});
});
