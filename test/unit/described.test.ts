/**
 * All tests compare what servers send with the OpenAPI and AsyncAPI documents (`test/support/described.ts`). These tests
 * show that the comparison finds each kind of difference.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type WebSocket, WebSocketServer } from 'ws';
import { openapiDocument } from '../../server/describe/openapi.js';
import { method } from '../../shared/method.js';
import { RawClient } from '../support/ddp.js';
import { checkPort, takeReports, uncheckPort } from '../support/described.js';
import { queryFault } from '../support/describedRest.js';
import { request } from '../support/rest.js';
import { Described } from '../support/schemas.js';

describe('the checks of what servers answer in tests', () => {
	let server: Server;
	let url: string;
	let status = 200;
	let answer = '{}';
	let react: (message: { msg: string; id: string }) => object[] = () => [];

	before(async () => {
		server = createServer((incoming, response) => {
			incoming.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/json' }).end(answer));
		});
		new WebSocketServer({ server }).on('connection', (socket: WebSocket) => {
			socket.on('message', (text) => {
				const message = JSON.parse(String(text));
				const answers = message.msg === 'connect' ? [{ msg: 'connected', session: 's' }] : react(message);
				for (const one of answers) socket.send(JSON.stringify(one));
			});
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port } = server.address() as AddressInfo;
		checkPort(port);
		url = `http://127.0.0.1:${port}`;
	});
	after(() => {
		server.closeAllConnections();
		server.close();
	});
	afterEach(() => takeReports());

	for (const [title, given, body, expected] of [
		[
			'an answer that is not described',
			{ status: 200, answer: '{"success":true,"more":1}' },
			{ rid: 'r', keyID: 'k' },
			'answered 200, and not as described',
		],
		['text that is not JSON', { status: 200, answer: 'done' }, { rid: 'r', keyID: 'k' }, 'it is not JSON'],
		['a status that is not described', { status: 201, answer: '{"success":true}' }, {}, 'the status 201'],
		[
			'an unknown code',
			{ status: 400, answer: '{"success":false,"error":"e","errorType":"x"}' },
			{},
			'answered 400, and not as described',
		],
		[
			'an accepted body of the wrong type',
			{ status: 200, answer: '{"success":true}' },
			{ rid: 1, keyID: 'k' },
			'accepted a request that is not as described',
		],
		[
			'a refused body of the right type',
			{ status: 400, answer: '{"success":false,"error":"Match error: x"}' },
			{ rid: 'r', keyID: 'k' },
			'refused a request that is as described',
		],
	] as const) {
		it(`report, over REST, ${title}`, async () => {
			({ status, answer } = given);
			const headers = { 'content-type': 'application/json' };
			const sent = { method: 'POST', headers, body: JSON.stringify(body) };
			await (await fetch(`${url}/api/v1/e2e.setRoomKeyID`, sent)).text();
			expect(takeReports().join()).to.include(expected);
		});
	}

	it('report nothing about a server whose port is no longer checked', async () => {
		status = 201;
		const port = Number(new URL(url).port);
		uncheckPort(port);
		await (await fetch(`${url}/api/v1/e2e.fetchMyKeys`)).text();
		const reports = takeReports();
		checkPort(port);
		await (await fetch(`${url}/api/v1/e2e.fetchMyKeys`)).text();
		expect([reports.length, takeReports().length]).to.deep.equal([0, 1]);
	});

	it('report parameters of a query that are unknown, missing or of the wrong type', async () => {
		status = 200;
		answer = '{"users":[]}';
		await request(`${url}/api/v1/e2e.getUsersOfRoomWithoutKey?rid=r&count=x`);
		expect(takeReports().join()).to.include('the parameter count').and.to.include('answered 200, and not as described');
		answer = '{"users":[],"success":true}';
		await request(`${url}/api/v1/e2e.getUsersOfRoomWithoutKey?rid=r&other=1`);
		expect(takeReports().join()).to.include('the parameter other is unknown');
		await request(`${url}/api/v1/e2e.getUsersOfRoomWithoutKey`);
		expect(takeReports().join()).to.include('the parameter rid is missing');
		await request(`${url}/api/v1/e2e.getUsersOfRoomWithoutKey?rid=r&count=5`);
		expect(takeReports()).to.deep.equal([]);
	});

	it('read an object in a query as JSON text', () => {
		const list = method({
			name: 'tasks.list',
			summary: 'Lists tasks',
			args: { options: { prefix: String } },
			rest: 'GET',
			run: () => ({ success: true }),
		});
		const described = new Described(openapiDocument({ methods: [list], limits: [], version: '1' }));
		const fault = (query: Record<string, string>) =>
			queryFault(new URLSearchParams(query), described, ['paths', '/api/v1/tasks.list', 'get']);
		expect(fault({ options: '{"prefix":"a"}' })).to.equal(undefined);
		expect(fault({ options: '{"prefix":1}' })).to.equal('the parameter options: value/prefix must be string');
		expect(fault({ options: 'prefix,a' })).to.equal('the parameter options: it is not JSON');
		expect(fault({ prefix: 'a' })).to.equal('the parameter prefix is unknown');
	});

	for (const [title, frames, expected] of [
		[
			'a result of the wrong type',
			[{ msg: 'result', id: 'call-1', result: { public_key: 1 } }],
			'gave an answer that is not as described',
		],
		[
			'an error that is not described',
			[{ msg: 'result', id: 'call-1', error: { isClientSafe: true, error: 'x', errorType: 'Meteor.Error' } }],
			'gave an answer that is not as described',
		],
		['an unknown message', [{ msg: 'strange' }, { msg: 'result', id: 'call-1', result: {} }], 'its msg is unknown'],
		[
			'an event that is not described',
			[
				{ msg: 'changed', collection: 'stream-notify-user', id: 'id', fields: { eventName: 'u/other', args: [] } },
				{ msg: 'result', id: 'call-1', result: {} },
			],
			'a message is not as described',
		],
		[
			'a document that is not described',
			[
				{ msg: 'added', collection: 'secrets', id: 'id', fields: {} },
				{ msg: 'result', id: 'call-1', result: {} },
			],
			'a message is not as described',
		],
	] as const) {
		it(`report, over DDP, ${title}`, async () => {
			react = ({ id }) => [...frames, { msg: 'updated', methods: [id] }];
			const client = await RawClient.connect(`${url.replace('http', 'ws')}/websocket`);
			await client.call('e2e.fetchMyKeys');
			expect(takeReports().join()).to.include(expected);
			await client.close();
		});
	}

	it('notice a subscription in a Buffer, and report no documents of an undescribed publication', async () => {
		react = ({ id }) => [
			{ msg: 'added', collection: 'things', id: 'x' },
			{ msg: 'ready', subs: [id] },
		];
		const client = await RawClient.connect(`${url.replace('http', 'ws')}/websocket`);
		client.socket.send(Buffer.from(JSON.stringify({ msg: 'sub', id: '1', name: 'of-a-test' })), { binary: false });
		await client.take(2);
		expect(takeReports()).to.deep.equal([]);
		await client.close();
	});

	it('report, over DDP, accepted calls and subscriptions with arguments of wrong types', async () => {
		react = ({ msg, id }) =>
			msg === 'sub'
				? [{ msg: 'ready', subs: [id] }]
				: [
						{ msg: 'result', id },
						{ msg: 'updated', methods: [id] },
					];
		const client = await RawClient.connect(`${url.replace('http', 'ws')}/websocket`);
		await client.call('e2e.setRoomKeyID', 'r', 5);
		expect(takeReports().join()).to.include('accepted a call that is not as described');
		await client.call('e2e.setRoomKeyID', 'r', 'k');
		expect(takeReports()).to.deep.equal([]);
		client.send({ msg: 'sub', id: '1', name: 'stream-notify-user', params: [5] });
		await client.next();
		expect(takeReports().join()).to.include('accepted a subscription that is not as described');
		await client.close();
	});
});
