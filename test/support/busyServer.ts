/** Starts a server and makes everything happen on it that metrics count. */
import { readFileSync } from 'node:fs';
import { Match, method } from '../../server/index.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { RawClient } from './ddp.js';
import { identity, publicKey, sealed } from './keys.js';
import { addMember, addPerson, addRoom, type Person } from './people.js';
import { headersOf, post, request } from './rest.js';

const limited = method({
	name: 'own.once',
	summary: 'May be called once a minute',
	args: { text: Match.Optional(String) },
	anonymous: true,
	rest: 'POST',
	limit: { calls: 1, per: 60_000 },
	run: () => 'done',
});

const broken = method({
	name: 'own.broken',
	summary: 'Fails',
	args: {},
	anonymous: true,
	rest: 'POST',
	run() {
		throw new Error('own.broken fails');
	},
});

/** `own.wait` runs until `own.release` is called. */
function waitAndRelease() {
	let release = () => {};
	const released = new Promise<void>((resolve) => {
		release = resolve;
	});
	return [
		method({ name: 'own.wait', summary: 'Waits', args: {}, anonymous: true, run: () => released }),
		method({
			name: 'own.release',
			summary: 'Ends the wait',
			args: {},
			anonymous: true,
			rest: 'POST',
			run: () => release(),
		}),
	];
}

export interface BusyServer {
	readonly server: OpenServer;
	readonly url: string;
	readonly alice: Person;
	close(): Promise<void>;
}

export async function startBusyServer(metrics = 'on'): Promise<BusyServer> {
	const server = await openServer({
		port: 0,
		store: { memory: true },
		keys: true,
		metrics,
		logLevel: 'silent',
		maxQueue: 2,
		maxConnectionsPerAddress: 5,
		grace: 100,
		methods: [limited, broken, ...waitAndRelease()],
	});
	const { url, store } = server;
	const webSocketUrl = `${url.replace('http', 'ws')}/websocket`;
	const alice = await addPerson(store, { ...identity('alice'), password: 'correct', roles: ['admin', 'user'] });
	const bob = await addPerson(store, identity('bob'));
	const call = (as: Person | null, path: string, body: object = {}, headers = {}) =>
		Object.keys(headers).length === 0
			? post(`${url}/api/v1/${path}`, as, body)
			: request(`${url}/api/v1/${path}`, {
					method: 'POST',
					headers: { 'Content-Type': 'application/json', ...(as && headersOf(as)), ...headers },
					body: JSON.stringify(body),
				});

	// The metrics show this certificate, although the server has no TLS.
	server.ops.setCertificate('server', readFileSync('test/fixtures/tls/expired.cert.pem', 'utf8'));

	// Calls and logins
	await call(null, 'login', { user: alice.username, password: 'wrong' });
	await call(null, 'login', { user: alice.username, password: 'correct' });
	await call(null, 'own.once');
	await call(null, 'own.once');
	await call(null, 'own.once', { text: 5 });
	await call(null, 'own.broken');

	// Keys
	const rid = await addRoom(store, [], { encrypted: true });
	await addMember(store, rid, alice, { roles: ['owner'] });
	await addMember(store, rid, bob);
	await call(alice, 'e2e.setRoomKeyID', { rid, keyID: 'first' }, { 'Idempotency-Key': 'same' });
	await call(alice, 'e2e.setRoomKeyID', { rid, keyID: 'first' }, { 'Idempotency-Key': 'same' });
	await call(alice, 'e2e.updateGroupKey', { rid, uid: alice.id, key: sealed('first') });
	await call(alice, 'e2e.updateGroupKey', { rid, uid: bob.id, key: sealed('first') });
	await call(bob, 'e2e.rejectSuggestedGroupKey', { rid });
	const usersSuggestedGroupKeys = { [rid]: [{ _id: bob.id, key: sealed('first') }] };
	await call(alice, 'e2e.provideUsersSuggestedGroupKeys', { usersSuggestedGroupKeys });
	await call(bob, 'e2e.acceptSuggestedGroupKey', { rid });
	await call(alice, 'e2e.resetRoomKey', { rid, e2eKey: sealed('second'), e2eKeyId: 'second' });
	const carol = await addPerson(store);
	const keys = { public_key: publicKey('carol'), private_key: 'wrapped' };
	await call(carol, 'e2e.setUserPublicAndPrivateKeys', keys);
	await server.call('e2e.resetOwnE2EKey', [], { userId: carol.id });
	await addRoom(store, [bob], { encrypted: true, e2eKeyId: 'lost' });

	// Connections
	const clients = [
		await RawClient.connect(webSocketUrl),
		await RawClient.open(`${webSocketUrl.replace('/websocket', '/sockjs/1/framed/websocket')}`),
	];
	const [reader] = clients as [RawClient];
	await reader.call('login', { resume: alice.token });
	reader.send({ msg: 'sub', id: 'rooms', name: 'stream-notify-user', params: [`${alice.id}/rooms-changed`, false] });
	while ((await reader.next()).msg !== 'ready');
	await addMember(store, await addRoom(store, []), alice);
	await store.rooms.updateOne({ _id: rid }, { $set: { topic: 'keys' } });
	while ((await reader.next()).msg !== 'changed');
	const waiting = await RawClient.connect(webSocketUrl);
	clients.push(waiting);
	// One call runs and two wait (`maxQueue`), so the server stops reading this client.
	for (const id of ['1', '2', '3']) waiting.send({ msg: 'method', method: 'own.wait', params: [], id });
	await post(`${url}/sockjs/1/polling/xhr`, null, '');
	while (clients.length < 4) clients.push(await RawClient.connect(webSocketUrl));
	// Refused: the address has its maximum of five connections, four WebSockets and one of SockJS polling.
	await RawClient.open(webSocketUrl).catch(() => {});
	// There is no such method.
	await reader.call('own.nobody');
	return {
		server,
		url,
		alice,
		async close() {
			await call(null, 'own.release');
			await Promise.all(clients.map((client) => client.close()));
			await server.close();
		},
	};
}
