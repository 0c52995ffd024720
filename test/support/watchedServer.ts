/** Tests of a server that notices the writes of other programs to its database, by change streams or by polling. */
import { expect } from 'chai';
import { type Db, MongoClient } from 'mongodb';
import { createServer } from '../../server/createServer.js';
import type { RoomkeyServer } from '../../server/start/roomkeyServer.js';
import { collection } from '../../shared/collections.js';
import { randomId } from '../../shared/ids.js';
import { Match } from '../../shared/match.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { type Frame, RawClient } from './ddp.js';
import { memoryLog } from './log.js';
import { addPerson, addRoom, type Person } from './people.js';
import { type Relay, startRelay } from './relay.js';
import { request } from './rest.js';
import { parseScrape } from './scrape.js';

interface Note {
	_id: string;
	text: string;
	_updatedAt?: Date;
}

const notes = collection<Note>('notes', {});

const allNotes = publication({
	name: 'notes',
	args: { text: Match.Optional(String) },
	summary: 'All notes, or those with a text',
	anonymous: true,
	run: ({ text }) => liveQuery(notes, text === undefined ? {} : { text }, { text: 1 }),
});

/** Adds the date that Rocket.Chat sets at every write. */
const dated = <T extends object>(fields: T) => ({ ...fields, _updatedAt: new Date() });

/**
 * @param watch the way that the server must choose
 * @param address returns the `mongodb://` address of a database server
 * @param prepare called when Roomkey has made its indexes
 */
export function describeWatchedServer(
	database: string,
	watch: 'change-streams' | 'polling',
	address: () => string,
	prepare: (db: Db) => Promise<unknown> = async () => {},
): void {
	describe(`a server on ${database}`, () => {
		let relay: Relay;
		let driver: MongoClient;
		let db: Db;
		let server: RoomkeyServer;
		let alice: Person;
		let client: RawClient;

		beforeEach(async () => {
			const direct = new URL(address());
			direct.pathname = `/roomkey-watch-${randomId()}`;
			relay = await startRelay(Number(direct.port));
			const relayed = new URL(direct);
			relayed.port = String(relay.port);
			relayed.search = 'serverSelectionTimeoutMS=500&heartbeatFrequencyMS=500';
			driver = await MongoClient.connect(direct.href);
			db = driver.db(direct.pathname.slice(1));
			server = await createServer({
				store: { mongoUrl: relayed.href },
				watch: 'auto',
				keys: true,
				port: 0,
				collections: [notes],
				publications: [allNotes],
				log: memoryLog(),
				grace: 0,
			});
			await prepare(db);
			alice = await addPerson(server.store);
			client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
			const { error } = await client.call('login', { resume: alice.token });
			if (error) throw new Error(`login: ${JSON.stringify(error)}`);
		});

		afterEach(async () => {
			relay.restore();
			client?.socket.terminate();
			await server?.close();
			await db.dropDatabase();
			await driver.close();
			await relay.close();
		});

		const documents = () => db.collection<{ _id: string } & Record<string, unknown>>('notes');

		/** The next `count` frames whose `msg` is one of `messages`. Drops others. */
		async function next(count: number, ...messages: string[]): Promise<Frame[]> {
			const frames: Frame[] = [];
			while (frames.length < count) {
				const frame = await client.next();
				if (messages.includes(frame.msg as string)) frames.push(frame);
			}
			return frames;
		}

		async function nextEvent(eventName: string): Promise<unknown[]> {
			for (;;) {
				const [frame] = await next(1, 'changed');
				const { eventName: name, args } = (frame as Frame).fields as { eventName: string; args: unknown[] };
				if (name === eventName) return args;
			}
		}

		it('publishes to live queries what a driver inserts, updates and removes', async () => {
			await client.subscribe('notes');
			const _id = randomId();
			await documents().insertOne(dated({ _id, text: 'one' }));
			const [added] = await next(1, 'added');
			expect(added).to.deep.include({ msg: 'added', collection: 'notes', id: _id });
			await documents().updateOne({ _id }, { $set: dated({ text: 'two' }) });
			const [changed] = await next(1, 'changed');
			expect(changed).to.deep.equal({ msg: 'changed', collection: 'notes', id: _id, fields: { text: 'two' } });
			await documents().deleteOne({ _id });
			expect(await next(1, 'removed')).to.deep.equal([{ msg: 'removed', collection: 'notes', id: _id }]);
		});

		it('sends `removed` and `added` when documents stop and begin to match a query', async () => {
			await documents().insertMany([dated({ _id: 'a', text: 'x' }), dated({ _id: 'b', text: 'y' })]);
			await client.subscribe('notes', 'x');
			await documents().updateOne({ _id: 'a' }, { $set: dated({ text: 'y' }) });
			await documents().updateOne({ _id: 'b' }, { $set: dated({ text: 'x' }) });
			const frames = await next(2, 'added', 'removed');
			expect(frames.map(({ msg, id }) => `${msg} ${id}`)).to.have.members(['removed a', 'added b']);
		});

		it('publishes memberships and rooms to the streams of their users', async () => {
			const rid = await addRoom(server.store, [alice]);
			await client.subscribe('stream-notify-user', `${alice.id}/subscriptions-changed`, false);
			await client.subscribe('stream-notify-user', `${alice.id}/rooms-changed`, false);
			const subscriptions = db.collection<{ _id: string } & Record<string, unknown>>('rocketchat_subscription');
			await subscriptions.updateOne({ rid }, { $set: dated({ E2EKey: 'sealed' }) });
			let membership: unknown;
			// The insertion of the membership may be reported first.
			do [, membership] = await nextEvent(`${alice.id}/subscriptions-changed`);
			while (!Object.hasOwn(membership as object, 'E2EKey'));
			expect(membership).to.include({ rid, E2EKey: 'sealed' });
			const rooms = db.collection<{ _id: string } & Record<string, unknown>>('rocketchat_room');
			await rooms.updateOne({ _id: rid }, { $set: dated({ e2eKeyId: 'k' }) });
			let room: unknown;
			do [, room] = await nextEvent(`${alice.id}/rooms-changed`);
			while (!Object.hasOwn(room as object, 'e2eKeyId'));
			expect(room).to.include({ _id: rid, e2eKeyId: 'k' });
		});

		it('publishes a removed membership that Rocket.Chat has copied to its trash', async () => {
			const rid = await addRoom(server.store, [alice]);
			await client.subscribe('stream-notify-user', `${alice.id}/subscriptions-changed`, false);
			const subscriptions = db.collection<{ _id: string } & Record<string, unknown>>('rocketchat_subscription');
			const membership = await subscriptions.findOne({ rid });
			const _id = membership?._id as string;
			const record = { ...membership, _id, __collection__: 'subscription', _deletedAt: new Date() };
			await db.collection<{ _id: string }>('rocketchat__trash').insertOne(record);
			await subscriptions.deleteOne({ _id });
			for (;;) {
				const [action, removed] = await nextEvent(`${alice.id}/subscriptions-changed`);
				if (action !== 'removed') continue;
				expect(removed).to.include({ _id, rid });
				break;
			}
		});

		it('publishes a changed setting', async () => {
			await client.subscribe('stream-notify-all', 'public-settings-changed', false);
			const settings = db.collection<{ _id: string } & Record<string, unknown>>('rocketchat_settings');
			await settings.updateOne({ _id: 'E2E_Enable' }, { $set: dated({ value: false }) }, { upsert: true });
			const [action, setting] = await nextEvent('public-settings-changed');
			expect([action, setting]).to.deep.equal(['updated', { _id: 'E2E_Enable', value: false }]);
		});

		it('publishes a write of its own once', async () => {
			await client.subscribe('stream-notify-all', 'public-settings-changed', false);
			const { settings } = server.store;
			await settings.insertOne({ _id: 'E2E_Enabled_Mentions', value: false });
			const driverSettings = db.collection<{ _id: string } & Record<string, unknown>>('rocketchat_settings');
			await driverSettings.insertOne(dated({ _id: 'E2E_Enable', value: false }));
			const frames = await next(2, 'changed');
			const ids = frames.map(
				({ fields }) => ((fields as { args: [string, { _id: string }] }).args[1] as { _id: string })._id,
			);
			expect(ids).to.deep.equal(['E2E_Enabled_Mentions', 'E2E_Enable']);
		});

		it('misses nothing that was written while the database could not be reached', async () => {
			await client.subscribe('notes');
			await documents().insertOne(dated({ _id: 'removed', text: 'x' }));
			// Waits until the server has read the document. Only then the outage begins.
			await next(1, 'added');
			relay.cut();
			const ids = Array.from({ length: 50 }, (_, i) => `note ${i}`);
			await documents().insertMany(ids.map((_id) => dated({ _id, text: 'x' })));
			await documents().updateOne({ _id: 'note 7' }, { $set: dated({ text: 'y' }) });
			await documents().deleteOne({ _id: 'removed' });
			for (;;) {
				const { body } = await request(`${server.url}/readyz`);
				if ((body.checks as Record<string, { status: string }>).store?.status === 'failed') break;
			}
			relay.restore();
			const frames = await next(51, 'added', 'removed');
			expect(frames.filter(({ msg }) => msg === 'added').map(({ id }) => id)).to.have.members(ids);
			expect(frames.find(({ id }) => id === 'note 7')?.fields).to.include({ text: 'y' });
			expect(frames.filter(({ msg }) => msg === 'removed').map(({ id }) => id)).to.deep.equal(['removed']);
		});

		it('reports how it notices writes of other programs, and how far it is behind', async () => {
			const { body, status } = await request(`${server.url}/readyz`);
			expect(status).to.equal(200);
			const { watcher } = body.checks as Record<string, { status: string; details: Record<string, unknown> }>;
			expect(watcher?.status).to.equal('ok');
			expect(watcher?.details.mode).to.equal(watch);
			expect(watcher?.details.behindMs).to.be.a('number');
			await client.subscribe('notes');
			await documents().insertOne(dated({ _id: 'a', text: 'x' }));
			await next(1, 'added');
			const scrape = parseScrape(await (await fetch(`${server.url}/metrics`)).text());
			expect(scrape.sum('roomkey_watcher_documents_total', { collection: 'own.notes' })).to.be.greaterThan(0);
			expect(scrape.labelsOf('roomkey_watcher_behind_seconds')).to.include('mode');
		});
	});
}
