/** Publications when the user of a connection changes (test/contract/ddp.md section 12). */
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { type PublicationContext, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import {
	echo,
	gate,
	NOSUB,
	type PublishFunction,
	publishFunctions,
	READY,
	settablePublications,
	setUser,
	subscribe,
} from '../support/publishFunctions.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

let universal: PublishFunction = () => {};

const publications = [
	...settablePublications,
	publication({ ...anyone, name: null, run: (_args, context) => universal(context, []) }),
];

const methods = [
	echo,
	setUser,
	method({
		...anyone,
		name: 'setUserInOneMs',
		changesUser: true,
		timeout: 1,
		args: { ignoresChange: Match.Optional(Boolean) },
		async run({ ignoresChange }, context) {
			const changed = context.setUserId('bob');
			context.unblock();
			if (!ignoresChange) await changed;
		},
	}),
	method({ ...anyone, name: 'never', timeout: 1, run: () => new Promise(() => {}) }),
	method({ ...anyone, name: 'userId', run: (_args, { userId }) => userId }),
	method({
		...anyone,
		name: 'setUserTwice',
		changesUser: true,
		run: (_args, context) => Promise.all([context.setUserId('first'), context.setUserId('second')]).then(() => {}),
	}),
	method({
		...anyone,
		name: 'setUserUnblocked',
		run: (_args, context) => {
			context.unblock();
			return context.setUserId('bob');
		},
	}),
];

describe('a change of the user (12)', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods, publications });
	});
	after(() => app.close());
	beforeEach(() => {
		app.log.lines.length = 0;
	});

	const connect = () => clients.connect(app.webSocketUrl);

	const errors = () =>
		app.log.lines.filter(({ level }) => level === 'error').map(({ facts }) => (facts as { err: Error }).err.message);
	const ADDED = { msg: 'added', collection: 'c', id: 'x', fields: { f: 1 } };

	it('runs all publish functions again, for the same user too, with the same parameters', async () => {
		const seen: unknown[] = [];
		const client = await connect();
		await subscribe(client, (context, params) => {
			seen.push([context.userId, ...structuredClone(params)]);
			(params[0] as { list: number[] }).list?.push(1);
			context.ready();
		});
		client.send({ msg: 'unsub', id: 's' });
		client.send({ msg: 'sub', id: 's', name: 'a', params: [{ list: [] }] });
		await client.call('setUser', 'bob');
		await client.call('setUser', 'bob');
		const again = ['bob', { list: [] }, undefined];
		expect(seen.slice(1)).to.deep.equal([[null, { list: [] }, undefined], again, again]);
	});

	it('ends the old runs first, then starts the new ones', async () => {
		const received: string[] = [];
		const client = await connect();
		await subscribe(client, (context) => {
			received.push(`start ${context.userId}`);
			context.onStop(() => void received.push(`stop ${context.userId}`));
		});
		await client.call('setUser', 'bob');
		expect(received).to.deep.equal(['start null', 'stop null', 'start bob']);
	});

	it('sends nothing that an old run still publishes', async () => {
		const client = await connect();
		const oldRun = gate();
		await subscribe(client, async (context) => {
			context.unblock();
			if (context.userId) return;
			await oldRun.opened;
			context.added('c', 'x', { f: 1 });
			context.ready();
		});
		await client.call('setUser', 'bob');
		oldRun.open();
		expect(await client.untilEcho()).to.deep.equal([]);
	});

	it('sends no ready for a subscription that stops in its new run', async () => {
		const client = await connect();
		await subscribe(client, (context) => {
			context.ready();
			if (context.userId) context.stop();
		});
		client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
		expect(await client.take(2)).to.deep.equal([NOSUB, { msg: 'updated', methods: ['1'] }]);
	});

	it('waits for the end of the previous change, and sends no document twice', async () => {
		const client = await connect();
		await subscribe(client, async (context) => {
			await new Promise(setImmediate);
			context.added('c', 'x', { user: context.userId });
			context.ready();
		});
		client.send({ msg: 'method', id: '1', method: 'setUserTwice' });
		expect(await client.take(5)).to.deep.equal([
			{ ...ADDED, msg: 'changed', fields: { user: 'first' } },
			READY,
			{ ...ADDED, msg: 'changed', fields: { user: 'second' } },
			READY,
			{ msg: 'updated', methods: ['1'] },
		]);
	});

	for (const ignoresChange of [false, true]) {
		const what = ignoresChange ? 'does not wait for it' : 'has exceeded its time limit';
		it(`ends before a later message starts, even if its method ${what}`, async () => {
			const [client, other] = [await connect(), await connect()];
			const [newRunStarted, endOfNewRun] = [gate(), gate()];
			await subscribe(client, async (context) => {
				if (context.userId) {
					newRunStarted.open();
					await endOfNewRun.opened;
				}
				context.ready();
			});
			client.send({ msg: 'method', id: '1', method: 'setUserInOneMs', params: [ignoresChange] });
			client.send({ msg: 'method', id: '2', method: 'userId' });
			await newRunStarted.opened;
			// `never` has the same time limit as `setUserInOneMs`, and began later.
			expect((await other.call('never')).error).to.include({ error: 'error-timeout' });
			client.send({ msg: 'ping' });
			expect(await client.next()).to.deep.equal({ msg: 'pong' });
			endOfNewRun.open();
			const frames = await client.take(5);
			expect(frames[0]).to.deep.equal(READY);
			expect(frames.slice(1)).to.have.deep.members([
				{ msg: 'updated', methods: ['1'] },
				{ msg: 'result', id: '1' },
				{ msg: 'updated', methods: ['2'] },
				{ msg: 'result', id: '2', result: 'bob' },
			]);
		});
	}

	for (const id of [5, undefined, {}]) {
		it(`refuses ${JSON.stringify(id)} as a user id`, async () => {
			const client = await connect();
			expect(await client.call('setUser', ...(id === undefined ? [] : [id]))).to.have.nested.property(
				'error.error',
				500,
			);
			expect(errors()).to.deep.equal([`setUserId must be called on string or null, not ${typeof id}`]);
		});
	}

	it('is refused after unblock', async () => {
		const client = await connect();
		expect(await client.call('setUserUnblocked')).to.have.nested.property('error.error', 500);
		expect(errors()).to.deep.equal(["Can't call setUserId in a method after calling unblock"]);
	});

	for (const [what, closes] of [
		['an onStop listener', (context: PublicationContext) => context.onStop(() => context.connection?.close())],
		['a publish function', (context: PublicationContext) => void (context.userId && context.connection?.close())],
	] as const) {
		it(`starts no further run after ${what} has closed the connection`, async () => {
			let running = 0;
			const count: PublishFunction = (context) => {
				running++;
				context.onStop(() => void running--);
			};
			universal = count;
			const client = await connect();
			await subscribe(client, closes);
			await subscribe(client, count, 't', 'b');
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			await client.closed;
			// Opening a connection takes several turns of the event loop. The change has started or skipped all its runs by then.
			await (await connect()).close();
			universal = () => {};
			expect(running).to.equal(0);
		});
	}

	it('takes effect before the messages that were sent after it', async () => {
		const client = await connect();
		client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
		publishFunctions.set('a', (context) => context.added('c', 'x', { user: context.userId }));
		client.send({ msg: 'sub', id: 's', name: 'a' });
		const frames = await client.take(3);
		expect(frames[2]).to.deep.equal({ ...ADDED, fields: { user: 'bob' } });
	});
});
