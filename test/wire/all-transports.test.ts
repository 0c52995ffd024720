/** Large publications and events over WebSocket, SockJS over WebSocket, and SockJS polling (test/contract/ddp.md 1). */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { liveQuery, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom } from '../support/people.js';
import { post, request } from '../support/rest.js';
import { CONNECT, call, messagesOf } from '../support/sockJs.js';

describe('all transports', () => {
	const clients = clientsOfEachTest();

	interface AnyConnection {
		send(message: string): unknown;
		next(): Promise<Record<string, unknown>[]>;
	}

	async function openWebSocket({ webSocketUrl }: TestApp): Promise<AnyConnection> {
		const client = await clients.open(webSocketUrl);
		return { send: (message) => client.send(message), next: async () => [{ ...(await client.next()) }] };
	}

	async function openSockJs({ url }: TestApp): Promise<AnyConnection> {
		const client = await clients.open(`${url.replace('http', 'ws')}/sockjs/a/b/websocket`);
		await client.nextText();
		return { send: (message) => client.send([message]), next: async () => messagesOf(await client.nextText()) };
	}

	async function openPolling({ url }: TestApp): Promise<AnyConnection> {
		const base = `${url}/sockjs/000/${randomBytes(8).toString('hex')}`;
		const post = (end: string, body: string | null = null) => request(base + end, { method: 'POST', body });
		await post('/xhr');
		return {
			send: (message) => post('/xhr_send', JSON.stringify([message])),
			next: async () => messagesOf((await post('/xhr')).text),
		};
	}

	const transports = [
		['WebSocket', openWebSocket],
		['SockJS over WebSocket', openSockJs],
		['SockJS polling', openPolling],
	] as const;

	for (const compression of [false, true]) {
		describe(compression ? 'with compression' : 'without compression', () => {
			const COUNT = 1500;
			const large = publication({
				name: 'large',
				anonymous: true,
				args: {},
				summary: 'for a test',
				run: () => liveQuery('rooms', { t: 'c' }, { name: 1 }),
			});
			let other: TestApp;

			before(async () => {
				other = await startApp({ publications: [large], ddp: { compression, maxBuffered: 512 * 1024 } });
				for (let i = 0; i < COUNT; i++) {
					await other.store.rooms.insertOne({ _id: `r${i}`, t: 'c', name: randomBytes(1024).toString('hex') });
				}
			});
			after(() => other.close());

			for (const [transport, open] of transports) {
				it(`deliver a publication above the limit for buffered bytes over ${transport}`, async () => {
					const { send, next } = await open(other);
					await send(CONNECT);
					await send('{"msg":"sub","id":"s","name":"large"}');
					const seen: unknown[] = [];
					while (seen.at(-1) !== 'ready') seen.push(...(await next()).map(({ msg }) => msg));
					expect(seen.filter((msg) => msg === 'added')).to.have.lengthOf(COUNT);
				});
			}

			it('deliver an event to clients of each transport', async () => {
				const alice = await addPerson(other.store);
				const rid = await addRoom(other.store, [alice]);
				const eventName = `${alice.id}/rooms-changed`;
				const all = await Promise.all(transports.map(([, open]) => open(other)));
				for (const { send, next } of all) {
					await send(CONNECT);
					await send(call('1', 'login', { resume: alice.token }));
					await send(JSON.stringify({ msg: 'sub', id: 's', name: 'stream-notify-user', params: [eventName, false] }));
					while (!(await next()).some(({ msg }) => msg === 'ready'));
				}
				await post(`${other.url}/api/v1/e2e.setRoomKeyID`, alice, { rid, keyID: 'k' });
				for (const { next } of all) {
					const [event] = await next();
					expect(event).to.deep.include({ msg: 'changed', collection: 'stream-notify-user', id: 'id' });
					expect(event).to.have.nested.property('fields.eventName', eventName);
				}
			});
		});
	}
});
