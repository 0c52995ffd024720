/** What clients rely on, and transcripts frame by frame, over real sockets (test/contract/ddp.md sections 17 and 20). */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import { publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

let endSlow = () => {};
let hangUp = () => {};

const methods: Method[] = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => [value] }),
	method({ ...anyone, name: 'fails', run: () => Promise.reject(new ClientError('code', 'reason', { d: 1 })) }),
	method({
		...anyone,
		name: 'setUser',
		changesUser: true,
		args: { id: String },
		async run({ id }, context) {
			await context.setUserId(id);
			return id;
		},
	}),
];

const publications = [
	publication({
		...anyone,
		name: 'things',
		run(_args, context) {
			context.added('c', 'x', { a: 1 });
			context.ready();
		},
	}),
	publication({
		...anyone,
		name: 'more',
		run(_args, context) {
			context.added('c', 'x', { a: 2, b: 2 });
			context.added('c', 'y', {});
			context.ready();
		},
	}),
	publication({ ...anyone, name: 'refused', run: (_args, context) => context.error(new ClientError('no')) }),
	publication({
		...anyone,
		name: 'slow',
		run: async (_args, context) => {
			await new Promise<void>((resolve) => {
				endSlow = resolve;
			});
			context.ready();
		},
	}),
	// `m`, `st` and `er` are for the transcript `anotherUser`.
	publication({
		...anyone,
		name: 'm',
		run(_args, context) {
			const { userId } = context;
			context.added('who', userId ?? 'nobody', userId ? { n: userId, stable: 1 } : { n: 'none' });
			context.added('who', 'const', { v: userId ? 2 : 1 });
			if (!userId) for (const id of ['x', 'y']) context.added('q', id, {});
			context.ready();
		},
	}),
	publication({
		...anyone,
		name: 'st',
		run: (_args, context) => (context.userId ? context.stop() : context.ready()),
	}),
	publication({
		...anyone,
		name: 'er',
		run(_args, context) {
			if (context.userId) throw new ClientError('nope', 'NOPE');
			context.ready();
		},
	}),
];

const contract = readFileSync('test/contract/ddp.md', 'utf8');
const [plain, anotherUser, sockJs] = contract
	.slice(contract.lastIndexOf('## 20. Transcripts'))
	.split('```')
	// Every second part is the content of a code block.
	.filter((_text, i) => i % 2 === 1)
	.map((text) => text.trim().split('\n')) as [string[], string[], string[]];

/** Sends the messages of the client, and expects those of the server with any session id. */
async function replay(client: RawClient, transcript: readonly string[]): Promise<void> {
	expect(transcript).to.not.equal(undefined);
	// The quotes in frames of SockJS are escaped.
	const anySession = (text: string) => text.replace(/(session\\?":\\?")[\w]{17}/, '$1');
	for (const line of transcript) {
		const text = line.slice(2);
		if (line.startsWith('>')) client.send(text);
		else {
			// SockJS sends this frame when the server closes the connection.
			if (text.startsWith('c[')) hangUp();
			expect(anySession(await client.nextText())).to.equal(anySession(text));
		}
	}
}

describe('messages between clients and the server', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({
			methods,
			publications,
			onConnection: [
				({ close }) => {
					hangUp = close;
				},
			],
		});
	});
	after(() => app.close());

	const openAt = (path: string) => clients.open(app.webSocketUrl.replace('/websocket', path));

	const connect = (former?: string) => clients.connect(app.webSocketUrl, {}, former);

	describe('the transcripts of the contract (20)', () => {
		it('are matched on a raw WebSocket', async () => replay(await openAt('/websocket'), plain));

		it('are matched when the user changes', async () => {
			const client = await connect();
			for (const name of ['m', 'st', 'er']) client.send({ msg: 'sub', id: name, name });
			await client.untilEcho();
			await replay(client, anotherUser);
		});

		it('are matched with SockJS on a WebSocket', async () => {
			const client = await openAt('/sockjs/a/b/websocket');
			await replay(client, sockJs);
			expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		});
	});

	describe('what clients rely on (17)', () => {
		it('clients get `ready` or `nosub` for each sub', async () => {
			const client = await connect();
			for (const name of ['things', 'refused', 'nope', 'more']) client.send({ msg: 'sub', id: name, name });
			const ends = (await client.untilEcho()).filter(({ msg }) => msg === 'ready' || msg === 'nosub');
			expect(ends.map(({ msg, id, subs }) => [msg, id ?? subs])).to.deep.equal([
				['ready', ['things']],
				['nosub', 'refused'],
				['nosub', 'nope'],
				['ready', ['more']],
			]);
		});

		it('clients get full `added` again after a reconnect, in a new session', async () => {
			const THINGS = [
				{ msg: 'added', collection: 'c', id: 'x', fields: { a: 1 } },
				{ msg: 'ready', subs: ['s'] },
			];
			const first = await connect();
			first.send({ msg: 'sub', id: 's', name: 'things' });
			expect(await first.untilEcho()).to.deep.equal(THINGS);
			first.socket.terminate();
			const second = await connect(first.session);
			expect(second.session).to.not.equal(first.session);
			second.send({ msg: 'sub', id: 's', name: 'things' });
			expect(await second.untilEcho()).to.deep.equal(THINGS);
		});

		it('clients get `added` only for documents they lack, `changed` and `removed` for others', async () => {
			const client = await connect();
			for (const name of ['things', 'more']) client.send({ msg: 'sub', id: name, name });
			await client.call('setUser', 'bob');
			for (const id of ['things', 'more', 'things']) client.send({ msg: 'unsub', id });
			client.send({ msg: 'sub', id: 'more', name: 'more' });
			expect((await client.untilEcho()).map(({ msg, id }) => `${msg} ${id ?? ''}`)).to.deep.equal([
				'changed x',
				'nosub things',
				'removed x',
				'removed y',
				'nosub more',
				'nosub things',
				'added x',
				'added y',
				'ready ',
			]);
		});

		it('clients get `pong` even while the queue waits', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'slow' });
			client.send({ msg: 'ping', id: 'p' });
			expect(await client.next()).to.deep.equal({ msg: 'pong', id: 'p' });
			endSlow();
			expect(await client.next()).to.deep.equal({ msg: 'ready', subs: ['s'] });
		});

		it('clients get `failed` with a version that the server accepts', async () => {
			const support = ['pre2', '1'];
			const client = await openAt('/websocket');
			client.send({ msg: 'connect', version: '1', support });
			const { msg, version } = await client.next();
			expect({ msg, version }).to.deep.equal({ msg: 'failed', version: 'pre2' });
			const again = await openAt('/websocket');
			again.send({ msg: 'connect', version, support });
			expect(await again.next()).to.include({ msg: 'connected' });
		});

		it('a method id that comes again on the next connection is a new call', async () => {
			for (const value of ['x', 'y']) {
				const client = await connect();
				expect(await client.callWithId('1', 'echo', value)).to.deep.include({ result: [value] });
			}
		});
	});
});
