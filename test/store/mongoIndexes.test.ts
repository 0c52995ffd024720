/** How the indexes of a MongoDB are compared, announced and made. */
import { expect } from 'chai';
import { type Db, MongoClient } from 'mongodb';
import { compareIndexes, type PresentIndex } from '../../server/mongodb/compareIndexes.js';
import { prepareIndexes } from '../../server/mongodb/makeIndexes.js';
import { collectionSpecs } from '../../server/store/collections.js';
import { openStore } from '../../server/store/open.js';
import { randomId } from '../../shared/ids.js';
import { runInProcess } from '../support/command.js';
import { memoryLog } from '../support/log.js';

const users = () =>
	collectionSpecs([]).find(({ name }) => name === 'users') as ReturnType<typeof collectionSpecs>[number];

/** The part of the driver's `Db` that `prepareIndexes` uses. `indexes` are those of the database, by collection. */
class FakeDb {
	readonly made: { collection: string; keys: object; options: object }[] = [];

	constructor(
		readonly indexes: Record<string, PresentIndex[]>,
		readonly hasDocuments: boolean,
	) {}

	listCollections() {
		return { toArray: async () => Object.keys(this.indexes).map((name) => ({ name })) };
	}

	collection(name: string) {
		return {
			listIndexes: () => ({
				toArray: async () => {
					const present = this.indexes[name];
					if (!present) throw Object.assign(new Error('ns does not exist'), { code: 26 });
					return present;
				},
			}),
			findOne: async () => (this.hasDocuments ? { _id: 'x' } : null),
			createIndex: async (keys: object, options: object) => this.made.push({ collection: name, keys, options }),
		};
	}
}

async function prepare(indexes: Record<string, PresentIndex[]>, mode: 'make' | 'report' = 'make', hasDocuments = true) {
	const db = new FakeDb(indexes, hasDocuments);
	const log = memoryLog();
	const options = { log, database: 'x at db.example', indexes: mode };
	await prepareIndexes(db as unknown as Db, [users()], options);
	return { made: db.made, lines: log.lines };
}

const ID: PresentIndex = { key: { _id: 1 } };

const COMPLETE = ['username', 'emails.address', 'services.resume.loginTokens.hashedToken'].map((field) => ({
	key: { [field]: 1 },
	unique: true,
	sparse: true,
}));

describe('the indexes of a MongoDB', () => {
	it('are compared by their fields and properties', () => {
		const right: PresentIndex[] = [
			ID,
			{ key: { username: 1 }, unique: true, sparse: true },
			{ key: { 'emails.address': 1.0 }, unique: true, sparse: true },
			{ key: { 'services.resume.loginTokens.hashedToken': 1 }, unique: true, sparse: true },
			{ key: { somethingOfRocketChat: -1 } },
		];
		expect(compareIndexes(users(), right)).to.deep.equal([]);
		const [, username, ...others] = right;
		expect(compareIndexes(users(), [...others, { ...(username as PresentIndex), unique: false }])).to.deep.equal([
			{ collection: 'users', fields: ['username'], kind: 'different', needed: 'unique, sparse', present: 'sparse' },
		]);
		expect(compareIndexes(users(), [ID]).map(({ fields, kind }) => [fields.join(), kind])).to.deep.equal([
			['username', 'missing'],
			['emails.address', 'missing'],
			['services.resume.loginTokens.hashedToken', 'missing'],
		]);
	});

	it("are reported as extra only in Roomkey's own collections", () => {
		const own = { key: 'keyHistory', name: 'roomkey_key_history', indexes: [] };
		const present: PresentIndex[] = [ID, { key: { old: 1 }, unique: true }];
		expect(compareIndexes(own, present)).to.deep.equal([
			{ collection: 'roomkey_key_history', fields: ['old'], kind: 'extra', needed: 'none', present: 'unique' },
		]);
		expect(compareIndexes({ ...own, name: 'rocketchat_room' }, present)).to.deep.equal([]);
	});

	it('are announced before they are made in a database that has collections', async () => {
		const { made, lines } = await prepare({ users: [ID, { key: { username: 1 }, unique: true, sparse: true }] });
		expect(made.map(({ keys }) => Object.keys(keys).join())).to.deep.equal([
			'emails.address',
			'services.resume.loginTokens.hashedToken',
		]);
		expect(made[0]?.options).to.deep.equal({ unique: true, sparse: true });
		expect(lines).to.have.length(1);
		expect(lines[0]).to.deep.include({
			level: 'warn',
			text: 'Makes indexes in a database that other programs may use',
		});
		expect(JSON.stringify(lines[0])).to.include('users (emails.address): unique, sparse');
	});

	it('are made without an announcement in an empty database, whose name is logged', async () => {
		const { made, lines } = await prepare({}, 'make', false);
		expect(made).to.have.length(3);
		expect(lines.map(({ text }) => text)).to.deep.equal([
			'The database holds no data of this service. If it should hold some, its name in the address is wrong',
		]);
		expect(JSON.stringify(lines)).to.include('x at db.example');
		// An earlier start with a mistyped name has made the indexes.
		const again = await prepare({ users: COMPLETE }, 'make', false);
		expect(again.lines).to.have.length(1);
	});

	it('stay as they are if they are complete', async () => {
		for (const mode of ['make', 'report'] as const)
			expect(await prepare({ users: COMPLETE }, mode)).to.deep.equal({ made: [], lines: [] });
	});

	it('are not made with --no-index, and one warning names the differences', async () => {
		const { made, lines } = await prepare({ users: [ID, { key: { username: 1 } }] }, 'report');
		expect(made).to.deep.equal([]);
		expect(lines).to.have.length(1);
		expect(lines[0]?.text).to.include('--no-index');
		expect(JSON.stringify(lines[0]))
			.to.include('users (emails.address): unique, sparse')
			.and.include('unique, sparse, not plain');
	});

	it('are the only ones for which --no-index is accepted', async () => {
		const { status, err } = await runInProcess(['--memory', '--no-index']);
		expect(status).to.equal(2);
		expect(err).to.include('no-index is for MongoDB');
	});

	const server = process.env.ROOMKEY_TEST_MONGO_URL;
	if (server) {
		describe('on a real server', () => {
			let url: URL;
			let client: MongoClient;

			beforeEach(async () => {
				url = new URL(server);
				url.pathname = `/roomkey-test-${randomId()}`;
				client = await MongoClient.connect(url.href);
			});
			afterEach(async () => {
				await client.db(url.pathname.slice(1)).dropDatabase();
				await client.close();
			});

			async function runCheck() {
				const { status, out } = await runInProcess(['check', '--json', '--mongo-url', url.href], {
					// The check looks for a server at this port, where none listens.
					env: { PORT: '1' },
				});
				const { checks } = JSON.parse(out) as { checks: { part: string; status: string; note: string }[] };
				const resultsOf = (name: string) =>
					checks.filter(({ part }) => part === name).map((one) => `${one.status}: ${one.note}`);
				return { status, resultsOf };
			}

			it('are missing before the first start, and complete after it', async () => {
				const before = await runCheck();
				expect(before.resultsOf('database')[0]).to.match(/^warning: .* is empty/);
				expect(before.resultsOf('indexes').length).to.be.greaterThan(5);
				expect(before.status).to.equal(0);
				const log = memoryLog();
				await (await openStore({ kind: 'mongodb', url: url.href }, log)).close();
				expect(log.lines).to.have.length(1);
				const after = await runCheck();
				expect(after.resultsOf('indexes')).to.deep.equal(['ok: All are there']);
				await client.db(url.pathname.slice(1)).collection<{ _id: string }>('users').insertOne({ _id: 'u' });
				expect((await runCheck()).resultsOf('database')[0]).to.match(/^ok: /);
				expect(after.resultsOf('clock')[0]).to.match(/^ok: .*the database/);
				const again = memoryLog();
				await (await openStore({ kind: 'mongodb', url: url.href }, again)).close();
				expect(again.lines).to.deep.equal([]);
			});

			it('are complete after three concurrent starts', async () => {
				const open = () => openStore({ kind: 'mongodb', url: url.href }, memoryLog());
				for (const each of await Promise.all([open(), open(), open()])) await each.close();
				expect((await runCheck()).resultsOf('indexes')).to.deep.equal(['ok: All are there']);
			});

			it('are not made with --no-index, and different ones are never changed', async () => {
				const db = client.db(url.pathname.slice(1));
				await db.collection<{ _id: string }>('users').insertOne({ _id: 'u', username: 'alice' } as { _id: string });
				await db.collection('users').createIndex({ username: 1 });
				const log = memoryLog();
				await (await openStore({ kind: 'mongodb', url: url.href, indexes: 'report' }, log)).close();
				expect(log.lines).to.have.length(1);
				expect(JSON.stringify(log.lines[0])).to.include('users (username): unique, sparse, not plain');
				expect(await db.collection('users').indexes()).to.have.length(2);
				await (await openStore({ kind: 'mongodb', url: url.href }, log)).close();
				expect((await runCheck()).resultsOf('indexes')).to.deep.equal([
					'warning: users (username) is plain, not unique, sparse. Roomkey leaves it as it is',
				]);
			});

			it('are not made by commands such as `user add`', async () => {
				const env = { MONGO_URL: url.href };
				const added = await runInProcess(['user', 'add', 'root', '--role', 'admin', '--generate-password'], { env });
				expect(added).to.include({ status: 0 });
				expect(added.err).to.include('Working on mongodb://').and.include('directly');
				expect(await client.db(url.pathname.slice(1)).collection('users').indexes()).to.have.length(1);
				expect((await runInProcess(['user', 'list'], { env })).out).to.include('root');
			});
		});
	}
});
