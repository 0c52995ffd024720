import { expect } from 'chai';
import { countLeases, endLeases, isLeft, lease } from '../../methods/model/keys/providerReservation.js';
import type { Store } from '../../shared/store.js';

/** Leases never look into the store. */
const newStore = () => ({}) as Store;

const TIME = 10_000;

describe('leases of waiting members (T1)', () => {
	it('T1: leave a member to the first provider, until the time is over', () => {
		const store = newStore();
		expect(lease(store, 'room', 'bob', 'alice', TIME, 0)).to.equal(true);
		expect(lease(store, 'room', 'bob', 'carol', TIME, TIME - 1)).to.equal(false);
		expect(lease(store, 'room', 'bob', 'carol', TIME, TIME)).to.equal(true);
		expect(lease(store, 'room', 'bob', 'alice', TIME, TIME)).to.equal(false);
	});

	it('T1: are of a room and a user: the same user in another room is free', () => {
		const store = newStore();
		lease(store, 'room', 'bob', 'alice', TIME, 0);
		expect(lease(store, 'another', 'bob', 'carol', TIME, 0)).to.equal(true);
		expect(lease(store, 'room', 'dave', 'carol', TIME, 0)).to.equal(true);
	});

	it('T1: whoever asks again still sees whom they hold', () => {
		const store = newStore();
		lease(store, 'room', 'bob', 'alice', TIME, 0);
		expect(lease(store, 'room', 'bob', 'alice', TIME, 5)).to.equal(true);
	});

	it('T1: who asks again and again without ever providing does not keep others away', () => {
		const store = newStore();
		for (let now = 0; now < TIME; now += 1000) lease(store, 'room', 'bob', 'alice', TIME, now);
		expect(lease(store, 'room', 'bob', 'alice', TIME, TIME)).to.equal(true);
		expect(isLeft(store, 'room', 'bob', 'carol', TIME)).to.equal(false);
		expect(lease(store, 'room', 'bob', 'carol', TIME, TIME)).to.equal(true);
	});

	it('end when a member was served', () => {
		const store = newStore();
		lease(store, 'room', 'bob', 'alice', TIME, 0);
		endLeases(store, 'room', ['bob', 'nobody']);
		expect(lease(store, 'room', 'bob', 'carol', TIME, 1)).to.equal(true);
	});

	it('are forgotten once they have run out, without a timer', () => {
		const store = newStore();
		for (let i = 0; i < 100; i++) lease(store, 'room', `user-${i}`, 'alice', TIME, i);
		expect(countLeases(store)).to.equal(100);
		lease(store, 'room', 'bob', 'alice', TIME, 10 * TIME);
		expect(countLeases(store)).to.equal(1);
	});

	it('are no more than 100,000: the oldest end early', () => {
		const store = newStore();
		for (let i = 0; i < 100_010; i++) lease(store, 'room', `user-${i}`, 'alice', TIME, 0);
		expect(countLeases(store)).to.equal(100_000);
		expect(isLeft(store, 'room', 'user-0', 'carol', 0)).to.equal(false);
		expect(isLeft(store, 'room', 'user-100009', 'carol', 0)).to.equal(true);
	});

	it('of two stores have nothing to do with each other', () => {
		const store = newStore();
		lease(store, 'room', 'bob', 'alice', TIME, 0);
		expect(isLeft(newStore(), 'room', 'bob', 'carol', 0)).to.equal(false);
	});
});
