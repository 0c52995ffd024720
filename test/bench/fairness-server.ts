/** The server of the fairness bench, with large rooms, users with many rooms, and a large publication. */
import { createApp } from '../../server/start/app.js';
import { openStore } from '../../server/store/open.js';
import { method } from '../../shared/method.js';
import { liveQuery, publication } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';

export interface FairnessReady {
	readonly port: number;
	readonly admin: Person;
	readonly busy: Person;
	/** Has 1,000 rooms, and is renamed. */
	readonly renamed: Person;
	/** Owns the large rooms. */
	readonly owner: Person;
	readonly largeRooms: readonly string[];
	/** Number of rooms of `busy`, and of members of each large room. */
	readonly many: number;
}

const MANY = 20_000;
const VIEW_DOCUMENTS = 30_000;
const VIEW_TEXT = 'x'.repeat(800);

const anyone = { summary: 'for the bench', anonymous: true } as const;
const nothing = method({ ...anyone, name: 'bench.nothing', args: { rid: String, keyID: String }, run: () => {} });

/** Publishes 24 MB to a logged-in user, and nothing to others. */
const view = publication({
	...anyone,
	name: 'bench.view',
	args: {},
	run(_args, context) {
		if (context.userId !== null) return liveQuery('rooms', { t: 'v' }, { topic: 1 });
		context.ready();
	},
});

async function fillRooms(store: Store, owner: Person, count: number): Promise<string[]> {
	const rids: string[] = [];
	for (let k = 0; k < count; k++)
		rids.push(await addRoom(store, [], { name: `large-${k}`, u: { _id: owner.id, username: owner.username } }));
	for (const rid of rids) await addMember(store, rid, owner, { roles: ['owner'] });
	for (let i = 0; i < MANY; i++) {
		const person = { id: `member-${i}`, username: `member-${i}`, token: '' };
		await store.users.insertOne({
			_id: person.id,
			username: person.username,
			roles: ['user'],
			active: true,
			type: 'user',
		});
		for (const rid of rids) await addMember(store, rid, person);
	}
	return rids;
}

async function giveRooms(store: Store, person: Person, count: number): Promise<void> {
	for (let i = 0; i < count; i++) {
		await addRoom(store, [person], { name: `${person.username}-${i}`, encrypted: true, e2eKeyId: 'key-id' });
	}
}

const log = memoryLog();
const { store, onChange } = await openStore({ kind: 'memory' }, log);
const admin = await addPerson(store, { roles: ['admin'] });
const busy = await addPerson(store, { type: 'user' });
const renamed = await addPerson(store, { type: 'user' });
const owner = await addPerson(store, { type: 'user' });
await giveRooms(store, busy, MANY);
await giveRooms(store, renamed, 1000);
const largeRooms = await fillRooms(store, owner, 2);
for (let i = 0; i < VIEW_DOCUMENTS; i++) {
	await store.rooms.insertOne({ _id: `view-${i}`, t: 'v', name: `view-${i}`, topic: VIEW_TEXT });
}
const catalogue = await import('../../methods/index.js');
const app = createApp({
	catalogue: {
		...catalogue,
		methods: [...catalogue.methods, nothing],
		publications: [...catalogue.publications, view],
	},
	...testOptions,
	ddp: { ...testOptions.ddp, maxFrame: 1024 * 1024, maxBuffered: 16 * 1024 * 1024 },
	maxBody: 1024 * 1024,
	grace: 0,
	store,
	onChange,
	log,
});
const port = await app.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send?.({ port, admin, busy, renamed, owner, largeRooms, many: MANY } satisfies FairnessReady);
