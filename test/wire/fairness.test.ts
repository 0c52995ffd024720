/** Limits on malformed messages and frames, and publications that exceed `maxBuffered`. */
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { RawClient } from '../support/ddp.js';
import { Gates } from '../support/gates.js';
import { addPerson, type Person } from '../support/people.js';

const anyone = { summary: 'for a test', anonymous: true } as const;
/** Number of rooms. Together their names exceed `maxBuffered`. */
const ROOM_COUNT = 3000;
const LAST_ID = `room-${ROOM_COUNT - 1}`;
const roomName = (i: number) => `${i} ${'x'.repeat(300)}`;
/** Number of malformed messages that a connection may send in a minute. */
const MAX_MALFORMED = 100;
const gates = new Gates();

const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'length', args: { value: String }, run: ({ value }) => value.length }),
	method({
		...anyone,
		name: 'rename',
		args: { _id: String, name: String },
		async run({ _id, name }, { store }) {
			await store.rooms.updateOne({ _id }, { $set: { name } });
		},
	}),
	method({
		...anyone,
		name: 'slow login',
		args: { userId: Match.OneOf(String, null) },
		changesUser: true,
		async run({ userId }, context) {
			gates.open('login has begun');
			await gates.wait('login');
			await context.setUserId(userId);
		},
	}),
];

const publications = [
	publication({
		...anyone,
		name: 'large for users',
		args: {},
		run(_args, context) {
			if (context.userId !== null) return liveQuery('rooms', { t: 'c' }, { name: 1 });
			context.ready();
		},
	}),
	publication({ ...anyone, name: 'large', args: {}, run: () => liveQuery('rooms', { t: 'c' }, { name: 1 }) }),
];

describe('fairness and limits', () => {
	let app: TestApp;
	let alice: Person;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods, publications, ddp: { maxFrame: 1024 * 1024, maxBuffered: 128 * 1024 } });
		alice = await addPerson(app.store);
		for (let i = 0; i < ROOM_COUNT; i++) {
			await app.store.rooms.insertOne({ _id: `room-${i}`, t: 'c', name: roomName(i) });
		}
	});
	after(() => app.close());

	const connect = () => clients.connect(app.webSocketUrl);

	describe('a server that limits malformed messages', () => {
		for (const [what, frame] of [
			['frames that are no JSON', 'x'],
			['frames that are no object', '5'],
			['messages without a type', '{}'],
			['messages of an unknown type', '{"msg":"what"}'],
			['calls without an id', '{"msg":"method","method":"echo"}'],
			['subscriptions without an id', '{"msg":"sub","name":"large"}'],
		] as const) {
			it(`closes a connection that sends too many ${what} with 1008`, async () => {
				const client = await connect();
				for (let i = 0; i <= MAX_MALFORMED; i++) client.send(frame);
				const answers = await client.take(MAX_MALFORMED);
				expect(answers.every(({ msg }) => msg === 'error')).to.equal(true);
				expect(await client.closed).to.deep.equal({ code: 1008, reason: 'Too many malformed messages' });
			});
		}

		it('counts calls before connect as malformed', async () => {
			const client = await clients.open(app.webSocketUrl);
			for (let i = 0; i <= MAX_MALFORMED; i++) client.send({ msg: 'method', id: '1', method: 'echo', params: [1] });
			expect((await client.closed).code).to.equal(1008);
		});

		it('counts malformed messages even if valid messages come between them', async () => {
			const client = await connect();
			for (let i = 0; i <= MAX_MALFORMED; i++) {
				client.send('x');
				client.send({ msg: 'ping' });
			}
			expect((await client.closed).code).to.equal(1008);
		});

		it('closes SockJS connections too', async () => {
			const client = await clients.open(`${app.webSocketUrl.replace('/websocket', '')}/sockjs/0/malformed/websocket`);
			client.send(JSON.stringify(Array(MAX_MALFORMED + 1).fill('x')));
			expect(await client.nextText()).to.equal('o');
			for (let i = 0; i < MAX_MALFORMED; i++) expect(await client.nextText()).to.include('error');
			expect(await client.nextText()).to.equal('c[1008,"Too many malformed messages"]');
			expect((await client.closed).code).to.equal(1008);
		});

		it('answers as many malformed messages as are allowed, and the connection stays open', async () => {
			const client = await connect();
			for (let i = 0; i < MAX_MALFORMED; i++) client.send('x');
			await client.take(MAX_MALFORMED);
			expect(await client.call('echo', 1)).to.include({ result: 1 });
		});

		it('answers 20,000 pings in their order', async () => {
			const client = await connect();
			for (let i = 0; i < 20_000; i++) client.send({ msg: 'ping', id: String(i) });
			const pongs = await client.take(20_000);
			expect(pongs.map(({ id }) => id)).to.deep.equal(Array.from({ length: 20_000 }, (_, i) => String(i)));
		});
	});

	describe('frames of a client', () => {
		const call = (length: number) => ({ msg: 'method', id: 'l', method: 'length', params: ['x'.repeat(length)] });
		const LARGE = 64 * 1024;

		it('may have at most 64 KiB before a login', async () => {
			const client = await connect();
			// The rest of the frame has fewer than 100 characters.
			client.send(call(LARGE - 100));
			expect((await client.take(2))[1]).to.include({ result: LARGE - 100 });
			client.send(call(LARGE));
			expect(await client.closed).to.deep.equal({ code: 1009, reason: 'Message too big' });
		});

		it('may be larger once the client has logged in, up to `maxFrame`', async () => {
			const client = await connect();
			await client.call('login', { resume: alice.token });
			client.send(call(LARGE));
			expect((await client.take(2))[1]).to.include({ result: LARGE });
			client.send(call(1024 * 1024));
			expect((await client.closed).code).to.equal(1009);
		});

		it('may not be larger any more after the client has logged out', async () => {
			const client = await connect();
			await client.call('login', { resume: (await addPerson(app.store)).token });
			await client.call('logout');
			client.send(call(LARGE));
			expect((await client.closed).code).to.equal(1009);
		});

		it('may be larger after a successful login that was sent together with them', async () => {
			const client = await connect();
			const begun = gates.wait('login has begun');
			client.send({ msg: 'method', id: '1', method: 'slow login', params: [alice.id] });
			client.send(call(LARGE));
			client.send({ msg: 'method', id: '2', method: 'echo', params: ['behind it'] });
			client.send({ msg: 'ping' });
			await begun;
			expect(await client.next()).to.deep.equal({ msg: 'pong' });
			gates.open('login');
			// A result and an `updated` of each call, and the document of the user.
			const frames = await client.take(7);
			const results = frames.filter(({ msg }) => msg === 'result');
			expect(results.map(({ id, result }) => [id, result])).to.deep.equal([
				['1', undefined],
				['l', LARGE],
				['2', 'behind it'],
			]);
		});

		it('may not be larger after a failed login', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: 'wrong' }] });
			client.send(call(LARGE));
			expect((await client.closed).code).to.equal(1009);
		});

		it('may not have more than 64 KiB, in bytes, after a call that logs nobody in', async () => {
			const client = await connect();
			const begun = gates.wait('login has begun');
			client.send({ msg: 'method', id: '1', method: 'slow login', params: [null] });
			client.send({ msg: 'method', id: 'l', method: 'length', params: ['ä'.repeat(LARGE / 2)] });
			client.send({ msg: 'ping' });
			await begun;
			expect(await client.next()).to.deep.equal({ msg: 'pong' });
			gates.open('login');
			expect((await client.closed).code).to.equal(1009);
		});

		it('are limited over SockJS polling too', async () => {
			const url = app.webSocketUrl.replace('ws:', 'http:').replace('/websocket', '/sockjs/0/anonymous');
			await fetch(`${url}/xhr`, { method: 'POST' });
			await fetch(`${url}/xhr_send`, {
				method: 'POST',
				body: JSON.stringify(['{"msg":"connect","version":"1","support":["1"]}']),
			});
			const { status } = await fetch(`${url}/xhr_send`, {
				method: 'POST',
				body: JSON.stringify([JSON.stringify(call(LARGE))]),
			});
			expect(status).to.equal(413);
		});

		it('have the limit of the option `maxAnonymousFrame` before a login', async () => {
			const other = await startApp({ methods, ddp: { maxAnonymousFrame: 10_000 } });
			const client = await RawClient.connect(other.webSocketUrl);
			client.send(call(10_000));
			expect((await client.closed).code).to.equal(1009);
			await other.close();
		});
	});

	describe('publications with many documents', () => {
		/** Counts the frames by type, up to the first frame of the type `end`. */
		async function countUntil(client: RawClient, end: string): Promise<Record<string, number>> {
			const counts: Record<string, number> = {};
			while (!counts[end]) {
				const { msg = '' } = await client.next();
				counts[msg] = (counts[msg] ?? 0) + 1;
			}
			return counts;
		}

		it('are sent whole at a login, even beyond `maxBuffered`', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'large for users', params: [] });
			expect(await client.next()).to.deep.equal({ msg: 'ready', subs: ['s'] });
			client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
			const { added } = await countUntil(client, 'result');
			// One document is the client's own user.
			expect(added).to.equal(ROOM_COUNT + 1);
		});

		it('send changes made during a login, also of documents not sent yet', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'large for users', params: [] });
			await client.next();
			client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
			const other = await connect();
			const names = new Map<unknown, string>();
			let renaming: Promise<unknown> | undefined;
			let firstId = '';
			let isAnswered = false;
			while (!isAnswered || names.get(firstId) !== `new ${firstId}` || names.get(LAST_ID) !== `new ${LAST_ID}`) {
				const { msg, id, collection, fields } = await client.next();
				if (msg === 'result') isAnswered = true;
				if (collection !== 'rocketchat_room') continue;
				expect(msg).to.equal(names.has(id) ? 'changed' : 'added');
				names.set(id, (fields as { name: string }).name);
				if (renaming) continue;
				firstId = id as string;
				renaming = other
					.call('rename', firstId, `new ${firstId}`)
					.then(() => other.call('rename', LAST_ID, `new ${LAST_ID}`));
			}
			await renaming;
		});

		it('send all removals after an unsub, before later messages are served', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'large', params: [] });
			await countUntil(client, 'ready');
			client.send({ msg: 'unsub', id: 's' });
			client.send({ msg: 'method', id: '1', method: 'echo', params: [1] });
			expect(await countUntil(client, 'nosub')).to.deep.equal({ removed: ROOM_COUNT, nosub: 1 });
			expect((await client.take(2)).map(({ msg }) => msg)).to.deep.equal(['updated', 'result']);
		});
	});
});
