/** Clients get the same from the Meteor code and the Roomkey code of docs/from-meteor.md. */
import { mock } from 'node:test';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { createServer, type RoomkeyServer } from '../../server/index.js';
import type { Collection, Filter } from '../../shared/store.js';
import { RawClient } from '../support/ddp.js';
import { Gates } from '../support/gates.js';
import { addAndCount } from './linkClient.js';
import type { Link } from './linkMethods.js';
import { options, start } from './linkServer.js';
import { runMeteor } from './meteor.js';
import { blocks } from './pages.js';

const PAGE = 'docs/from-meteor.md';
const serverOptions = { store: { memory: true }, port: 0, logLevel: 'error' } as const;

async function startMeteor(): Promise<RoomkeyServer> {
	const code = blocks.filter(({ page, info }) => page === PAGE && info === 'js').map((block) => block.code);
	const meteor = runMeteor(code.join('\n'));
	const server = await createServer({ ...serverOptions, ...meteor.options });
	await meteor.start(server);
	return server;
}

const sides = { Meteor: startMeteor, Roomkey: () => start(serverOptions) };

const password = { digest: 'a'.repeat(64), algorithm: 'sha-256' };

for (const [side, startSide] of Object.entries(sides)) {
	describe(`${PAGE}, the side of ${side}`, () => {
		let server: RoomkeyServer;
		let client: RawClient;
		before(async () => {
			server = await startSide();
		});
		after(() => server.close());
		beforeEach(async () => {
			client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
		});
		afterEach(() => client.close());

		const signUp = async (username: string) => {
			const { result } = await client.call('createUser', { username, password });
			return (result as { id: string }).id;
		};
		const until = async (msg: string) => {
			const frames = [await client.next()];
			while (frames.at(-1)?.msg !== msg) frames.push(await client.next());
			return frames;
		};

		it('Meteor.methods: a method checks its arguments, wants a user, writes, returns', async () => {
			const refused = await client.call('links.insert', 'Docs', 'https://a');
			expect(refused.error).to.include({ error: 'error-invalid-user', reason: 'Invalid user' });
			await signUp(`methods-${side}`);
			for (const wrong of [[5, 'https://a'], ['Docs', 'http://a'], ['Docs', 5], []]) {
				expect((await client.call('links.insert', ...wrong)).error).to.include({ error: 400, reason: 'Match failed' });
			}
			const { result } = await client.call('links.insert', 'Docs', 'https://a');
			expect(result).to.be.a('string');
		});

		it('Meteor.Error: code, reason and details reach the client', async () => {
			expect((await client.call('links.visit', 'none')).error).to.deep.include({
				error: 'no-link',
				reason: 'There is no such link',
				details: { id: 'none' },
			});
		});

		it('Meteor.publish: documents with the published fields, and their changes', async () => {
			client.send({ msg: 'sub', id: 'early', name: 'links.mine', params: [] });
			expect(await client.next()).to.deep.nested.include({ msg: 'nosub', 'error.error': 'error-invalid-user' });
			await signUp(`publish-${side}`);
			const { result: id } = await client.call('links.insert', 'Docs', 'https://a');
			client.send({ msg: 'sub', id: 's', name: 'links.mine', params: [] });
			expect(await until('ready')).to.deep.equal([
				{ msg: 'added', collection: 'links', id, fields: { title: 'Docs', visits: 0 } },
				{ msg: 'ready', subs: ['s'] },
			]);
			client.send({ msg: 'method', id: 'v', method: 'links.visit', params: [id] });
			expect(await until('updated')).to.deep.include({
				msg: 'changed',
				collection: 'links',
				id,
				fields: { visits: 1 },
			});
		});

		it('Meteor.publish: added, ready and onStop', async () => {
			client.send({ msg: 'sub', id: 'c', name: 'clock', params: ['utc'] });
			const [added] = await until('ready');
			expect(added).to.include({ msg: 'added', collection: 'clocks', id: 'utc' });
			client.send({ msg: 'unsub', id: 'c' });
			expect((await until('nosub')).at(-2)).to.include({ msg: 'removed', collection: 'clocks', id: 'utc' });
		});

		it('this.unblock: the next call does not wait for the answer', async () => {
			await signUp(`unblock-${side}`);
			const { links } = server.collections as unknown as { links: Collection<Link> };
			const count = links.countDocuments.bind(links);
			const gates = new Gates();
			const counting = mock.method(links, 'countDocuments', async (filter: Filter<Link>) => {
				await gates.wait('count');
				return count(filter);
			});
			client.send({ msg: 'method', id: 'report', method: 'links.report', params: [] });
			expect((await client.call('links.visit', 'none')).error).to.include({ error: 'no-link' });
			gates.open('count');
			const report = await client.nextThat(({ msg }) => msg === 'result');
			expect(report).to.include({ id: 'report' }).and.have.nested.property('result.links').that.is.at.least(1);
			counting.mock.restore();
		});

		it('DDPRateLimiter: five calls in a minute for each connection', async () => {
			for (let i = 0; i < 5; i++) expect((await client.call('links.visit', 'docs')).error).to.equal(undefined);
			expect((await client.call('links.visit', 'docs')).error).to.include({ error: 'too-many-requests' });
		});

		it('Accounts.registerLoginHandler: a kind of login that the application defines', async () => {
			const id = await signUp(`partner-${side}`);
			await client.call('logout');
			expect((await client.call('login', { partnerKey: 'unknown' })).error).to.include({ error: 400 });
			await server.store.users.updateOne({ _id: id }, { $set: { 'customFields.partnerKey': `key of ${side}` } });
			const { result } = await client.call('login', { partnerKey: `key of ${side}` });
			expect(result).to.include({ id, type: 'partner' });
			expect((await client.call('links.insert', 'Mine', 'https://b')).error).to.equal(undefined);
		});

		it('Meteor.onConnection: a listener closes a connection', async () => {
			const headers = { 'user-agent': 'BadBot' };
			const bad = new WebSocket(`${server.url.replace('http', 'ws')}/websocket`, { headers });
			bad.on('open', () => bad.send('{"msg":"connect","version":"1","support":["1"]}'));
			const code = await new Promise((resolve) => bad.on('close', resolve));
			expect(code).to.equal(1000);
		});

		it('Meteor.startup: the first link is there', async () => {
			expect((await client.call('links.visit', 'docs')).error).to.equal(undefined);
		});
	});
}

describe(PAGE, () => {
	it('shows a typed client that calls over DDP and over REST', async () => {
		const server = await start(serverOptions);
		const client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
		try {
			const { result } = await client.call('createUser', { username: 'typed', password });
			const { id: userId, token } = result as { id: string; token: string };
			const callAsync = async (name: string, ...args: unknown[]) => (await client.call(name, ...args)).result;
			const [id, count] = await addAndCount({ callAsync }, server.url, { userId, token });
			expect(await server.collections.links.findOne({ _id: id })).to.include({ title: 'Docs', owner: userId });
			// The first link is made when the server starts.
			expect(count).to.equal(2);
		} finally {
			client.close();
			await server.close();
		}
	});

	it('shows a Meteor block and then a Roomkey block in each pair', () => {
		const kinds = blocks.filter(({ page }) => page === PAGE).map(({ info }) => info.split(' ')[0]);
		// The blocks after the last pair have no Meteor side.
		const pairs = kinds.slice(0, kinds.lastIndexOf('js') + 2);
		expect(pairs).to.deep.equal(pairs.map((_kind, i) => (i % 2 === 0 ? 'js' : 'ts')));
		expect(pairs).to.have.length.at.least(8);
	});

	it('declares the same names on both sides', () => {
		const code = blocks.filter(({ page, info }) => page === PAGE && info === 'js').map((block) => block.code);
		const meteor = runMeteor(code.join('\n')).options;
		const names = ({ methods = [], publications = [] }: Pick<typeof meteor, 'methods' | 'publications'>) =>
			[...methods, ...publications].map(({ name }) => name).sort();
		expect(names(options)).to.deep.equal(names(meteor));
	});
});
