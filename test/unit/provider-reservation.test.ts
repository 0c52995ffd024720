import { expect } from 'chai';
import {
	countReservations,
	endReservations,
	isReservedForOther,
	reserve,
} from '../../methods/model/keys/providerReservation.js';
import type { Store } from '../../shared/store.js';

/** Reservations never read the store. */
const newStore = () => ({}) as Store;

const TIME = 10_000;

describe('reservations of waiting members (T1)', () => {
	it('are for the first provider, until the time is over', () => {
		const store = newStore();
		expect(reserve(store, 'room', 'bob', 'alice', TIME, 0)).to.equal(true);
		expect(reserve(store, 'room', 'bob', 'carol', TIME, TIME - 1)).to.equal(false);
		expect(reserve(store, 'room', 'bob', 'carol', TIME, TIME)).to.equal(true);
		expect(reserve(store, 'room', 'bob', 'alice', TIME, TIME)).to.equal(false);
	});

	it('are of a room and a user: the same user in another room is free', () => {
		const store = newStore();
		reserve(store, 'room', 'bob', 'alice', TIME, 0);
		expect(reserve(store, 'another', 'bob', 'carol', TIME, 0)).to.equal(true);
		expect(reserve(store, 'room', 'dave', 'carol', TIME, 0)).to.equal(true);
	});

	it('show a provider who asks again the same members', () => {
		const store = newStore();
		reserve(store, 'room', 'bob', 'alice', TIME, 0);
		expect(reserve(store, 'room', 'bob', 'alice', TIME, 5)).to.equal(true);
	});

	it('do not let a provider who asks again and again without providing keep others away', () => {
		const store = newStore();
		for (let now = 0; now < TIME; now += 1000) reserve(store, 'room', 'bob', 'alice', TIME, now);
		expect(reserve(store, 'room', 'bob', 'alice', TIME, TIME)).to.equal(true);
		expect(isReservedForOther(store, 'room', 'bob', 'carol', TIME)).to.equal(false);
		expect(reserve(store, 'room', 'bob', 'carol', TIME, TIME)).to.equal(true);
	});

	it('end when a member was served', () => {
		const store = newStore();
		reserve(store, 'room', 'bob', 'alice', TIME, 0);
		endReservations(store, 'room', ['bob', 'nobody']);
		expect(reserve(store, 'room', 'bob', 'carol', TIME, 1)).to.equal(true);
	});

	it('are removed once they have expired, without a timer', () => {
		const store = newStore();
		for (let i = 0; i < 100; i++) reserve(store, 'room', `user-${i}`, 'alice', TIME, i);
		expect(countReservations(store)).to.equal(100);
		reserve(store, 'room', 'bob', 'alice', TIME, 10 * TIME);
		expect(countReservations(store)).to.equal(1);
	});

	it('are no more than 100,000: the oldest end early', () => {
		const store = newStore();
		for (let i = 0; i < 100_010; i++) reserve(store, 'room', `user-${i}`, 'alice', TIME, 0);
		expect(countReservations(store)).to.equal(100_000);
		expect(isReservedForOther(store, 'room', 'user-0', 'carol', 0)).to.equal(false);
		expect(isReservedForOther(store, 'room', 'user-100009', 'carol', 0)).to.equal(true);
	});

	it('of two stores have nothing to do with each other', () => {
		const store = newStore();
		reserve(store, 'room', 'bob', 'alice', TIME, 0);
		expect(isReservedForOther(newStore(), 'room', 'bob', 'carol', 0)).to.equal(false);
	});
});
