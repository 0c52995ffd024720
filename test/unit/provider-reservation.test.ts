/** Reservations of waiting members for one provider, who holds the room key (test/contract/beyond.md T1). */
import { expect } from 'chai';
import {
	countReservations,
	endReservations,
	reservedForOthers,
	reserveMembers,
} from '../../methods/model/keys/providerReservation.js';
import { declareShared, type Store } from '../../shared/store.js';
import { type OpenStore, openTestStore } from '../support/store.js';

/** How long a reservation lasts, in ms. */
const DURATION = 10_000;

/** Reserves a member for a provider, if possible. Returns whether the member may be shown to the provider. */
async function isGiven(store: Store, rid: string, userId: string, provider: string, now: number): Promise<boolean> {
	return (await reserveMembers(store, rid, [userId], provider, DURATION, now)).has(userId);
}

async function isTaken(store: Store, userId: string, provider: string, now: number): Promise<boolean> {
	return (await reservedForOthers(store, 'room', [userId], provider, now)).has(userId);
}

for (const [where, prepare] of [
	['in memory', () => {}],
	['in a shared store', declareShared],
] as const) {
	describe(`reservations of waiting members (T1), ${where}`, () => {
		let open: OpenStore;
		let store: Store;
		beforeEach(async () => {
			open = await openTestStore();
			store = open.store;
			prepare(store);
		});
		afterEach(() => open.close());

		it('belong to the first provider until they expire', async () => {
			expect(await isGiven(store, 'room', 'bob', 'alice', 0)).to.equal(true);
			expect(await isGiven(store, 'room', 'bob', 'carol', DURATION - 1)).to.equal(false);
			expect(await isGiven(store, 'room', 'bob', 'carol', DURATION)).to.equal(true);
			expect(await isGiven(store, 'room', 'bob', 'alice', DURATION)).to.equal(false);
		});

		it('are for one user in one room', async () => {
			await isGiven(store, 'room', 'bob', 'alice', 0);
			expect(await isGiven(store, 'another', 'bob', 'carol', 0)).to.equal(true);
			expect(await isGiven(store, 'room', 'dave', 'carol', 0)).to.equal(true);
		});

		it('are kept for a provider who asks again', async () => {
			await isGiven(store, 'room', 'bob', 'alice', 0);
			expect(await isGiven(store, 'room', 'bob', 'alice', 5)).to.equal(true);
		});

		it('are not prolonged when the provider asks repeatedly', async () => {
			for (let now = 0; now < DURATION; now += 1000) await isGiven(store, 'room', 'bob', 'alice', now);
			// Bob may still be shown to alice, but is not reserved for her any more.
			expect(await isGiven(store, 'room', 'bob', 'alice', DURATION)).to.equal(true);
			expect(await isTaken(store, 'bob', 'carol', DURATION)).to.equal(false);
			expect(await isGiven(store, 'room', 'bob', 'carol', DURATION)).to.equal(true);
			expect(await isTaken(store, 'bob', 'alice', DURATION)).to.equal(true);
		});

		it('end when the member has received a key', async () => {
			await isGiven(store, 'room', 'bob', 'alice', 0);
			await endReservations(store, 'room', ['bob', 'nobody']);
			expect(await isGiven(store, 'room', 'bob', 'carol', 1)).to.equal(true);
		});

		it('divide many members among concurrent providers', async () => {
			const members = Array.from({ length: 60 }, (_, i) => `user-${i}`);
			const providers = ['alice', 'carol', 'dave'];
			const given = await Promise.all(
				providers.map((provider) => reserveMembers(store, 'room', members, provider, DURATION, 0)),
			);
			expect(given.flatMap((each) => [...each]).sort()).to.deep.equal([...members].sort());
			const taken = await Promise.all(
				providers.map((provider) => reservedForOthers(store, 'room', members, provider, 0)),
			);
			expect(taken.map(({ size }) => size)).to.deep.equal(given.map(({ size }) => members.length - size));
		});
	});
}

describe('reservations in memory (T1)', () => {
	/** Reservations in memory never read the store. */
	const newStore = () => ({}) as Store;

	it('are removed after they have expired, without a timer', async () => {
		const store = newStore();
		for (let i = 0; i < 100; i++) await isGiven(store, 'room', `user-${i}`, 'alice', i);
		expect(countReservations(store)).to.equal(100);
		await isGiven(store, 'room', 'bob', 'alice', 10 * DURATION);
		expect(countReservations(store)).to.equal(1);
	});

	it('are at most 100,000: the oldest end early', async () => {
		const store = newStore();
		for (let i = 0; i < 100_010; i++) await isGiven(store, 'room', `user-${i}`, 'alice', 0);
		expect(countReservations(store)).to.equal(100_000);
		expect(await isTaken(store, 'user-0', 'carol', 0)).to.equal(false);
		expect(await isTaken(store, 'user-100009', 'carol', 0)).to.equal(true);
	});

	it('are independent in two stores', async () => {
		const store = newStore();
		await isGiven(store, 'room', 'bob', 'alice', 0);
		expect(await isTaken(newStore(), 'bob', 'carol', 0)).to.equal(false);
	});
});

describe('reservations in a shared store (T1)', () => {
	it('replace an expired reservation for only one of several concurrent providers', async () => {
		const { store, close } = await openTestStore();
		declareShared(store);
		await isGiven(store, 'room', 'bob', 'alice', 0);
		const given = await Promise.all(
			['carol', 'dave', 'erin'].map((other) => isGiven(store, 'room', 'bob', other, DURATION)),
		);
		expect(given.filter(Boolean)).to.have.length(1);
		await close();
	});

	it('accept long ids of rooms and members', async () => {
		const { store, close } = await openTestStore();
		declareShared(store);
		const long = 'x'.repeat(512);
		expect(await isGiven(store, long, long, 'alice', 0)).to.equal(true);
		expect(await isGiven(store, long, long, 'carol', 0)).to.equal(false);
		await close();
	});
});
