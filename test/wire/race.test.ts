/** Clients race to set the key id of a room. One is disconnected, and repeats its call (test/contract/beyond.md E1). */
import { expect } from 'chai';
import { randomId } from '../../shared/ids.js';
import { createRandomSource } from '../../shared/random.js';
import { startApp, type TestApp } from '../support/app.js';
import { type Outcome, RawClient } from '../support/ddp.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { repetitions } from '../support/repetitions.js';

const ROUNDS = repetitions({ ci: 1000, local: 300, mongo: 50 });
const PARTS = 10;
const RACERS = 50;

/** The most turns of the event loop, then microtasks, before the socket is terminated. An answer takes about as long. */
const MAX_TURNS = 4;
const MAX_MICROTASKS = 50;

interface Racer {
	readonly person: Person;
	client: RawClient;
}

describe(`${ROUNDS} times, clients race for a key id and one is disconnected`, () => {
	let app: TestApp;
	let racers: Racer[];
	const seed = randomId();
	const random = createRandomSource(seed).stream('race');
	const randomBelow = (limit: number) => Math.floor(random.fraction() * limit);

	before(async () => {
		app = await startApp();
		racers = await Promise.all(
			Array.from({ length: RACERS }, async () => {
				const person = await addPerson(app.store);
				return { person, client: await logIn(person) };
			}),
		);
	});
	after(async () => {
		await Promise.all(racers.map(({ client }) => client.close()));
		await app.close();
	});

	async function logIn(person: Person, resumedSession?: string): Promise<RawClient> {
		const client = await RawClient.connect(app.webSocketUrl, {}, resumedSession);
		await client.call('login', { resume: person.token });
		return client;
	}

	/** Terminates a socket before the call is sent, between the frames of its answer, or after a random time. */
	async function terminateAround({ client: { socket } }: Racer, send: () => void): Promise<void> {
		const chance = randomBelow(20);
		const isSent = chance > 0;
		const waitsForAnswer = isSent && chance < 5;
		if (isSent) send();
		if (waitsForAnswer) {
			await new Promise<void>((resolve) => {
				socket.once('message', () => {
					socket.terminate();
					resolve();
				});
			});
		}
		for (let turns = randomBelow(MAX_TURNS + 1); turns > 0; turns--) await new Promise(setImmediate);
		for (let tasks = randomBelow(MAX_MICROTASKS + 1); tasks > 0; tasks--) await undefined;
		socket.terminate();
	}

	/** @returns which client has set the key id */
	async function race(round: number): Promise<'disconnected' | 'another'> {
		const rid = await addRoom(app.store, [], { t: 'c' });
		const victim = randomBelow(RACERS);
		// The first to send mostly succeeds. In every second round this client is disconnected.
		const first = round % 2 === 0 ? victim : randomBelow(RACERS);
		const id = `race-${round}`;
		const keyOf = (i: number) => `key-${round}-${i}`;
		const call = ({ client }: Racer, i: number): Promise<Outcome> =>
			client.callWithId(id, 'e2e.setRoomKeyID', rid, keyOf(i));

		async function run(racer: Racer, i: number): Promise<Outcome> {
			if (i !== victim) return call(racer, i);
			const { session } = racer.client;
			await terminateAround(racer, () => void call(racer, i).catch(() => {}));
			racer.client = await logIn(racer.person, session);
			return call(racer, i);
		}

		// The client `first` is moved to the front.
		const order = racers.map((_, i) => i).sort((a, b) => Number(b === first) - Number(a === first));
		const outcomes = new Map<number, Outcome>();
		await Promise.all(order.map(async (i) => outcomes.set(i, await run(racers[i] as Racer, i))));

		const successful = order.filter((i) => !outcomes.get(i)?.error);
		const errors = [...outcomes.values()].flatMap(({ error }) => error?.error ?? []);
		const facts = `round ${round}, seed ${seed}`;
		expect(successful.map(keyOf), facts).to.deep.equal([await keyIdOf(app.store, rid)]);
		expect(errors, facts).to.deep.equal(Array(RACERS - 1).fill('error-room-e2e-key-already-exists'));
		return successful[0] === victim ? 'disconnected' : 'another';
	}

	const wins = { disconnected: 0, another: 0 };

	// Several tests, so that a busy machine has enough time for each.
	for (let part = 0; part < PARTS; part++) {
		it(`one succeeds, and each learns its own outcome (part ${part + 1} of ${PARTS})`, async () => {
			for (let i = 0; i < ROUNDS / PARTS; i++) wins[await race((part * ROUNDS) / PARTS + i)]++;
		});
	}

	it('the disconnected client and another each succeed in over a tenth of rounds', () => {
		const rounds = wins.another + wins.disconnected;
		expect(Math.min(...Object.values(wins)), `seed ${seed}, ${JSON.stringify(wins)}`).to.be.above(rounds / 10);
	});
});
