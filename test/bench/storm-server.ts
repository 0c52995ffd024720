/**
 * The server of the storm bench, with its data in a folder: `node storm-server.js FOLDER [PEOPLE]`. With PEOPLE it only
 * stores at least so many users, and sends `StormPeople`. Without PEOPLE it serves the stored users.
 */
import { createWriteStream } from 'node:fs';
import { pino } from 'pino';
import { openServer } from '../../server/start/openServer.js';
import { addPerson, addRoom } from '../support/people.js';
import { memory } from './memoryUsage.js';
import { watchWork } from './storm-work.js';

export interface StormPeople {
	readonly tokens: readonly string[];
	/** A room without members that has a key id, so that `e2e.setRoomKeyID` is refused. */
	readonly rid: string;
}

export interface StormReady {
	readonly port: number;
}

/** People stored at a time. */
const AT_ONCE = 100;

const [folder = '', count] = process.argv.slice(2);
const perSecond = process.env.ROOMKEY_STORM_PER_SECOND;
const server = await openServer({
	port: 0,
	store: { data: folder },
	keys: true,
	// Written as by default, but to nowhere.
	log: pino({ level: 'info' }, createWriteStream('/dev/null')),
	// All clients of the bench have one address.
	maxConnectionsPerAddress: 100_000,
	...(perSecond && { maxConnectsPerSecond: Number(perSecond) }),
});

async function fill(people: number): Promise<StormPeople> {
	const { store } = server;
	const tokens: string[] = [];
	while (tokens.length < people) {
		const added = await Promise.all(Array.from({ length: AT_ONCE }, () => addPerson(store)));
		tokens.push(...added.map(({ token }) => token));
	}
	const rid = await addRoom(store, [], { e2eKeyId: 'has-one', t: 'c' });
	return { tokens, rid };
}

process.on('disconnect', () => process.exit());
if (count === undefined) {
	const work = watchWork();
	process.on('message', (what) => process.send?.(what === 'memory' ? memory() : work()));
	process.send?.({ port: Number(new URL(server.url).port) } satisfies StormReady);
} else {
	const people = await fill(Number(count));
	await server.close();
	process.send?.(people);
}
