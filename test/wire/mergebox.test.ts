/** The merge box over real sockets (the table in test/contract/ddp.md section 11), and NO_MERGE. */
import { expect } from 'chai';
import { method } from '../../shared/method.js';
import { type PublicationContext, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { type Frame, RawClient } from '../support/ddp.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

/** The contexts of the running subscriptions, by the name of the publication. */
const contexts = new Map<string, PublicationContext>();
const names = ['first', 'second'];
const publications = names.map((name) =>
	publication({
		...anyone,
		name,
		run(_args, context) {
			contexts.set(name, context);
			context.ready();
		},
	}),
);
const methods = [method({ ...anyone, name: 'nothing', run: () => undefined })];

describe('the merge box (11)', () => {
	let app: TestApp;
	let client: RawClient;
	let first: PublicationContext;
	let second: PublicationContext;

	before(async () => {
		app = await startApp({ methods, publications, strategies: { plain: 'NO_MERGE' } });
	});
	after(() => app.close());
	beforeEach(async () => {
		client = await RawClient.connect(app.webSocketUrl);
		for (const name of names) client.send({ msg: 'sub', id: name, name });
		await client.take(names.length);
		[first, second] = names.map((name) => contexts.get(name)) as [PublicationContext, PublicationContext];
	});
	afterEach(() => client.close());

	/** Sends messages, and then calls `nothing`. @returns the frames before the answer to that call */
	async function sentAfter(...messages: object[]): Promise<Frame[]> {
		for (const message of messages) client.send(message);
		client.send({ msg: 'method', id: 'end', method: 'nothing' });
		const frames: Frame[] = [];
		while (frames.at(-1)?.msg !== 'result') frames.push(await client.next());
		return frames.slice(0, -2);
	}

	const added = (fields?: object) => ({ msg: 'added', collection: 'c', id: 'x', ...(fields && { fields }) });
	const changed = (fields: object) => ({ msg: 'changed', collection: 'c', id: 'x', fields });
	const REMOVED = { msg: 'removed', collection: 'c', id: 'x' };

	/** Adds the document by one or both subscriptions, and drops the frames. */
	async function publish(fieldsOfFirst: Record<string, unknown>, fieldsOfSecond?: Record<string, unknown>) {
		first.added('c', 'x', fieldsOfFirst);
		if (fieldsOfSecond) second.added('c', 'x', fieldsOfSecond);
		await sentAfter();
	}

	it('sends `added` for a new document, with or without fields', async () => {
		first.added('c', 'x', { a: 1, b: { c: 2 } });
		expect(await sentAfter()).to.deep.equal([added({ a: 1, b: { c: 2 } })]);
		first.added('c', 'y', {});
		expect(await sentAfter()).to.deep.equal([{ ...added(), id: 'y' }]);
	});

	it('sends only new fields when another subscription adds the document', async () => {
		await publish({ a: 1 });
		second.added('c', 'x', { a: 2, b: 3 });
		expect(await sentAfter()).to.deep.equal([changed({ b: 3 })]);
	});

	it('sends nothing when another subscription adds fields that the client has', async () => {
		await publish({ a: 1 });
		second.added('c', 'x', { a: 2 });
		expect(await sentAfter()).to.deep.equal([]);
	});

	it('sends a change of the subscription with precedence, unless the value is EJSON-equal', async () => {
		await publish({ a: new Date(1) }, { a: 0 });
		first.changed('c', 'x', { a: new Date(1) });
		expect(await sentAfter()).to.deep.equal([]);
		first.changed('c', 'x', { a: new Date(2) });
		expect(await sentAfter()).to.deep.equal([changed({ a: new Date(2) })]);
	});

	it('sends no change of a field for which another subscription has precedence', async () => {
		await publish({ a: 1 }, { a: 2 });
		second.changed('c', 'x', { a: 3 });
		expect(await sentAfter()).to.deep.equal([]);
	});

	it('sends the next value, or else `cleared`, when the subscription with precedence clears a field', async () => {
		await publish({ a: 1, b: 1, c: 1 }, { a: 1, b: 2 });
		first.changed('c', 'x', { a: undefined });
		expect(await sentAfter()).to.deep.equal([]);
		first.changed('c', 'x', { b: undefined });
		expect(await sentAfter()).to.deep.equal([changed({ b: 2 })]);
		first.changed('c', 'x', { c: undefined });
		expect(await sentAfter()).to.deep.equal([{ msg: 'changed', collection: 'c', id: 'x', cleared: ['c'] }]);
	});

	it('sends the next values, and `cleared`, when the subscription with precedence removes the document', async () => {
		await publish({ a: 1, b: 1 }, { a: 2 });
		first.removed('c', 'x');
		expect(await sentAfter()).to.deep.equal([{ ...changed({ a: 2 }), cleared: ['b'] }]);
	});

	it('sends `removed` when the last subscription ends', async () => {
		await publish({ a: 1 }, { a: 1 });
		expect(await sentAfter({ msg: 'unsub', id: 'first' })).to.deep.equal([{ msg: 'nosub', id: 'first' }]);
		expect(await sentAfter({ msg: 'unsub', id: 'second' })).to.deep.equal([REMOVED, { msg: 'nosub', id: 'second' }]);
	});

	it('sends nothing for a change without an effect', async () => {
		await publish({ a: 1 });
		first.changed('c', 'x', {});
		first.changed('c', 'x', { b: undefined });
		expect(await sentAfter()).to.deep.equal([]);
	});

	it('sends everything unchanged with NO_MERGE, and removes documents for each subscription', async () => {
		const document = { collection: 'plain', id: 'x' };
		for (const sub of [first, second]) sub.added('plain', 'x', { _id: 'x', a: 1 });
		first.changed('plain', 'x', { a: 1 });
		first.added('plain', 'x', {});
		expect(await sentAfter()).to.deep.equal([
			{ msg: 'added', ...document, fields: { _id: 'x', a: 1 } },
			{ msg: 'added', ...document, fields: { _id: 'x', a: 1 } },
			{ msg: 'changed', ...document, fields: { a: 1 } },
			{ msg: 'added', ...document },
		]);
		for (const id of names) {
			const nosub = { msg: 'nosub', id };
			expect(await sentAfter({ msg: 'unsub', id })).to.deep.equal([{ msg: 'removed', ...document }, nosub]);
		}
	});
});
