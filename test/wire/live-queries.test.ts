/** Live queries over real sockets (test/contract/ddp.md section 7). */
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { LiveQuery, liveQuery, type PublicationContext } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { type Frame, RawClient } from '../support/ddp.js';
import {
	echo,
	gate,
	INTERNAL,
	NOSUB,
	publishFunctions,
	READY,
	settablePublications,
	subscribe,
} from '../support/publishFunctions.js';

const methods = [
	echo,
	method({
		name: 'write',
		summary: 'for a test',
		anonymous: true,
		args: { id: String, roles: Match.OneOf(null, [String]) },
		async run({ id, roles }, { store }) {
			if (roles === null) await store.permissions.deleteOne({ _id: id });
			else if ((await store.permissions.updateOne({ _id: id }, { $set: { roles } })).matchedCount === 0)
				await store.permissions.insertOne({ _id: id, roles });
			return 'written';
		},
	}),
];

const PERMISSIONS = 'rocketchat_permissions';
const withRole = (role: string, name?: string) =>
	liveQuery('permissions', { roles: role }, { roles: 1 }, name ? { name } : {});

describe('live queries (7)', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods, publications: settablePublications });
	});
	after(() => app.close());
	beforeEach(() => app.store.permissions.deleteMany({}));

	const connect = () => clients.connect(app.webSocketUrl);

	const added = (id: string, ...roles: string[]) => ({
		msg: 'added',
		collection: PERMISSIONS,
		id,
		fields: { roles },
	});

	async function write(client: RawClient, id: string, roles: string[] | null): Promise<Frame[]> {
		client.send({ msg: 'method', id: 'w', method: 'write', params: [id, roles] });
		const frames: Frame[] = [];
		while (frames.at(-1)?.msg !== 'updated') frames.push(await client.next());
		return frames;
	}
	const RESULT = { msg: 'result', id: 'w', result: 'written' };
	const UPDATED = { msg: 'updated', methods: ['w'] };

	it('publish each change between `result` and `updated` of its method', async () => {
		const client = await connect();
		await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
		expect(await subscribe(client, () => withRole('r'))).to.deep.equal([added('p', 'r'), READY]);
		const document = { msg: 'changed', collection: PERMISSIONS, id: 'p' };
		expect(await write(client, 'q', ['r'])).to.deep.equal([RESULT, added('q', 'r'), UPDATED]);
		expect(await write(client, 'p', ['r', 's'])).to.deep.equal([
			RESULT,
			{ ...document, fields: { roles: ['r', 's'] } },
			UPDATED,
		]);
		expect(await write(client, 'p', ['s'])).to.deep.equal([RESULT, { ...document, msg: 'removed' }, UPDATED]);
		expect(await write(client, 'q', null)).to.deep.equal([RESULT, { ...document, msg: 'removed', id: 'q' }, UPDATED]);
	});

	it('publish what other clients write', async () => {
		const [reader, writer] = [await connect(), await connect()];
		await subscribe(reader, () => withRole('r'));
		await write(writer, 'p', ['r']);
		expect(await reader.next()).to.deep.equal(added('p', 'r'));
	});

	it('publish nothing after they have stopped', async () => {
		const client = await connect();
		await subscribe(client, () => withRole('r'));
		client.send({ msg: 'unsub', id: 's' });
		expect(await write(client, 'p', ['r'])).to.deep.equal([NOSUB, RESULT, UPDATED]);
	});

	it('can be several of one collection in one publication, under different names', async () => {
		await app.store.permissions.insertOne({ _id: 'p', roles: ['r', 'q'] });
		const frames = await subscribe(await connect(), () => [withRole('r'), withRole('q', 'mine')]);
		expect(frames.map(({ msg, collection }) => collection ?? msg)).to.have.members([PERMISSIONS, 'mine', 'ready']);
		expect(frames.at(-1)).to.deep.equal(READY);
	});

	it('stop together if one is refused, without an effect on other clients', async () => {
		const [refused, reader] = [await connect(), await connect()];
		const [nosub] = await subscribe(refused, () => [withRole('r'), liveQuery('rooms', { t: undefined }, { t: 1 })]);
		expect(nosub).to.deep.include({ msg: 'nosub', id: 's' });
		await subscribe(reader, () => withRole('r'));
		await write(reader, 'p', ['r']);
		const changed = { msg: 'changed', collection: PERMISSIONS, id: 'p', fields: { roles: ['r', 's'] } };
		expect(await write(reader, 'p', ['r', 's'])).to.deep.equal([RESULT, changed, UPDATED]);
		expect(await refused.untilEcho()).to.deep.equal([]);
	});

	it('end only for the client to which a change cannot be published', async () => {
		const [failing, reader] = [await connect(), await connect()];
		await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
		let context: PublicationContext | undefined;
		await subscribe(failing, (runContext) => {
			context = runContext;
			return withRole('r');
		});
		await subscribe(reader, () => withRole('r'));
		// This id is an object that is encoded as `p`, so the client loses the document p. A live query notices removals by
		// string ids only. It therefore publishes the next change of p as `changed`, which fails.
		context?.removed(PERMISSIONS, { typeName: () => 'id', toJSONValue: () => 'p' });
		const changed = { msg: 'changed', collection: PERMISSIONS, id: 'p', fields: { roles: ['r', 's'] } };
		expect(await write(reader, 'p', ['r', 's'])).to.deep.equal([RESULT, changed, UPDATED]);
		expect(await write(reader, 'p', ['r'])).to.deep.equal([RESULT, { ...changed, fields: { roles: ['r'] } }, UPDATED]);
		expect((await failing.take(2)).map(({ msg }) => msg)).to.deep.equal(['removed', 'nosub']);
	});

	it('keep their filter and fields, even if these objects change later', async () => {
		await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
		await app.store.permissions.insertOne({ _id: 'secret', roles: ['s'] });
		const frames = await subscribe(await connect(), async () => {
			const roles = { $in: ['r'] };
			const fields: { roles?: 1; _updatedAt?: 1 } = { roles: 1 };
			const query = liveQuery('permissions', { $and: [{ roles }] }, fields);
			await undefined;
			roles.$in[0] = 's';
			fields._updatedAt = 1;
			return query;
		});
		expect(frames).to.deep.equal([added('p', 'r'), READY]);
	});

	it('share a document with the publish function, and remove it once', async () => {
		const client = await connect();
		await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
		await subscribe(client, (context) => {
			context.added(PERMISSIONS, 'p', { roles: ['r'] });
			return withRole('r');
		});
		client.send({ msg: 'unsub', id: 's' });
		const removed = { msg: 'removed', collection: PERMISSIONS, id: 'p' };
		expect(await client.untilEcho()).to.deep.equal([removed, NOSUB]);
	});

	it('publish a document again if it changes after the publish function removed it', async () => {
		const client = await connect();
		await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
		let context: PublicationContext | undefined;
		await subscribe(client, (runContext) => {
			context = runContext;
			return withRole('r');
		});
		context?.removed(PERMISSIONS, 'p');
		const removed = { msg: 'removed', collection: PERMISSIONS, id: 'p' };
		expect(await client.next()).to.deep.equal(removed);
		expect(await write(client, 'p', ['r', 's'])).to.deep.equal([RESULT, added('p', 'r', 's'), UPDATED]);
		context?.removed(PERMISSIONS, 'p');
		expect(await client.next()).to.deep.equal(removed);
		client.send({ msg: 'unsub', id: 's' });
		expect(await client.untilEcho()).to.deep.equal([NOSUB]);
	});

	it('send many documents in slices between other messages, and stop after an unsub', async () => {
		const count = 1000;
		for (let i = 0; i < count; i++) await app.store.permissions.insertOne({ _id: `p${i}`, roles: ['r'] });
		const all = await subscribe(await connect(), () => withRole('r'));
		expect(new Set(all.filter(({ msg }) => msg === 'added').map(({ id }) => id)).size).to.equal(count);
		const client = await connect();
		publishFunctions.set('a', (context) => {
			context.unblock();
			return withRole('r');
		});
		client.send({ msg: 'sub', id: 's', name: 'a' });
		client.send({ msg: 'unsub', id: 's' });
		const frames = await client.untilEcho();
		const countOf = (msg: string) => frames.filter((frame) => frame.msg === msg).length;
		expect(countOf('added')).to.equal(countOf('removed')).and.be.below(count);
		expect(frames.at(-1)).to.deep.equal(NOSUB);
	});

	describe('that cannot read what was written', () => {
		let readsFail: boolean;
		let other: TestApp;
		let client: RawClient;

		beforeEach(async () => {
			readsFail = false;
			const { permissions } = app.store;
			const find = (...asked: Parameters<typeof permissions.find>) => {
				if (readsFail) throw new Error('no primary');
				return permissions.find(...asked);
			};
			other = await startApp({
				methods,
				publications: settablePublications,
				store: { ...app.store, permissions: { ...permissions, find } },
				onChange: app.onChange,
			});
			client = await RawClient.connect(other.webSocketUrl);
		});
		afterEach(async () => {
			await client.close();
			await other.close();
		});

		it('end with an error before the `updated` of the method', async () => {
			await app.store.permissions.insertOne({ _id: 'p', roles: ['r'] });
			await subscribe(client, () => withRole('r'));
			readsFail = true;
			const frames = await write(client, 'q', ['r']);
			expect(frames).to.deep.equal([
				RESULT,
				{ msg: 'removed', collection: PERMISSIONS, id: 'p' },
				{ ...NOSUB, error: INTERNAL },
				UPDATED,
			]);
			expect(other.log.lines.map(({ text }) => text)).to.include('Exception from sub a id s');
		});

		it('remove 5,000 documents before the `updated` of the method', async () => {
			const count = 5000;
			for (let i = 0; i < count; i++) await app.store.permissions.insertOne({ _id: `p${i}`, roles: ['r'] });
			await subscribe(client, () => withRole('r'));
			readsFail = true;
			const frames = await write(client, 'q', ['r']);
			expect(frames.filter(({ msg }) => msg === 'removed')).to.have.length(count);
			expect(frames.slice(-2)).to.deep.equal([{ ...NOSUB, error: INTERNAL }, UPDATED]);
		});
	});

	it('do not delay `updated` for others if a client reads nothing', async () => {
		const roles = ['r', '-'.repeat(60_000)];
		const started = gate();
		for (let i = 0; i < 300; i++) await app.store.permissions.insertOne({ _id: `p${i}`, roles });
		const [reader, writer] = [await connect(), await connect()];
		reader.socket.pause();
		publishFunctions.set('a', () => {
			started.open();
			return withRole('r');
		});
		reader.send({ msg: 'sub', id: 's', name: 'a' });
		await started.opened;
		expect(await writer.call('write', 'p0', ['s'])).to.have.property('result', 'written');
		reader.socket.resume();
		const shownIds = new Set<unknown>();
		for (const { msg, id } of await reader.untilEcho()) {
			if (msg === 'added') shownIds.add(id);
			if (msg === 'removed') shownIds.delete(id);
		}
		expect(shownIds.size).to.equal(299);
		expect(shownIds.has('p0')).to.equal(false);
	});

	it('name their collection as the database does', () => {
		expect(withRole('r')).to.be.instanceOf(LiveQuery).and.include({ name: PERMISSIONS });
	});
});
