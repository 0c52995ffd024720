/** The first key id of a room. Numbers in titles are sections of test/contract/rocketchat-e2e.md. */
import { expect } from 'chai';
import type { Change } from '../../shared/events.js';
import { type HookedStore, openHookedRoomkey } from '../support/hooks.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import type { TestRoomkey } from '../support/roomkey.js';
import { during } from '../support/settings.js';

const NAME = 'e2e.setRoomKeyID';

describe('e2e.setRoomKeyID (4.1)', () => {
	let roomkey: TestRoomkey;
	let hooked: HookedStore;
	let alice: Person;
	let bob: Person;

	before(async () => {
		({ roomkey, hooked } = await openHookedRoomkey());
		alice = await addPerson(roomkey.store);
		bob = await addPerson(roomkey.store);
	});
	after(() => roomkey.close());

	it('sets the key id of a room and returns nothing (4.1 step 6, 8)', async () => {
		const rid = await addRoom(roomkey.store, [alice, bob]);
		expect(await roomkey.call(alice, NAME, rid, 'my-UniQu3_ke4_Id')).to.equal(undefined);
		expect(await keyIdOf(roomkey.store, rid)).to.equal('my-UniQu3_ke4_Id');
	});

	it('updates the _updatedAt of the room (4.1 step 6, 2.4)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { _updatedAt: new Date(0) });
		await roomkey.call(alice, NAME, rid, 'k');
		const room = await roomkey.store.rooms.findOne({ _id: rid });
		expect(room?._updatedAt?.getTime()).to.be.greaterThan(0);
	});

	it('announces the room in its new state (4.1 step 7)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { encrypted: true });
		const announced: Change[] = [];
		const stop = roomkey.bus.on('changed', (payload) => void announced.push(payload));
		await roomkey.call(alice, NAME, rid, 'k');
		stop();
		expect(announced).to.have.length(1);
		expect(announced[0]).to.deep.include({ collection: 'rooms', action: 'updated' });
		expect(announced[0]?.document).to.deep.include({ _id: rid, encrypted: true, e2eKeyId: 'k' });
	});

	for (const [what, e2eKeyId] of [
		['null', null],
		['an empty string', ''],
	] as const) {
		it(`treats ${what} as no key id (4.1 step 5, 1.4)`, async () => {
			const rid = await addRoom(roomkey.store, [alice], { e2eKeyId });
			await roomkey.call(alice, NAME, rid, 'k');
			expect(await keyIdOf(roomkey.store, rid)).to.equal('k');
		});
	}

	it('refuses a room that has a key id, even if it is the given one (4.1 step 5)', async () => {
		const rid = await addRoom(roomkey.store, [alice], { e2eKeyId: 'first' });
		const announced: unknown[] = [];
		const stop = roomkey.bus.on('changed', (payload) => void announced.push(payload));
		for (const keyID of ['second', 'first']) {
			expect(await rejection(roomkey.call(alice, NAME, rid, keyID))).to.deep.include({
				error: 'error-room-e2e-key-already-exists',
				reason: 'E2E Key ID already exists',
				details: { method: NAME },
				message: 'E2E Key ID already exists [error-room-e2e-key-already-exists]',
			});
		}
		stop();
		expect(await keyIdOf(roomkey.store, rid)).to.equal('first');
		expect(announced).to.deep.equal([]);
	});

	it('lets exactly one of 200 concurrent callers succeed (4.1 step 6, 1.6)', async () => {
		const rid = await addRoom(roomkey.store, [alice, bob]);
		const outcomes = await Promise.allSettled(
			Array.from({ length: 200 }, (_, i) => roomkey.call(i % 2 ? alice : bob, NAME, rid, `key-${i}`)),
		);
		const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [`key-${i}`] : []));
		expect(winners).to.have.length(1);
		expect(await keyIdOf(roomkey.store, rid)).to.equal(winners[0]);
		for (const outcome of outcomes) {
			if (outcome.status === 'rejected') expect(outcome.reason.error).to.equal('error-room-e2e-key-already-exists');
		}
	});

	for (const [step, what, rid] of [
		[4, 'an unknown', 'nowhere'],
		[3, 'an empty', ''],
	] as const) {
		it(`refuses ${what} room id, and names canAccessRoom (4.1 step ${step}, 3.2)`, async () => {
			expect(await rejection(roomkey.call(alice, NAME, rid, 'k'))).to.deep.include({
				error: 'error-invalid-room',
				reason: 'Invalid room',
				details: { method: 'canAccessRoom' },
			});
		});
	}

	it('refuses a room that the caller may not see (4.1 step 4, 3.2)', async () => {
		const rid = await addRoom(roomkey.store, [bob]);
		expect(await rejection(roomkey.call(alice, NAME, rid, 'k'))).to.deep.include({
			error: 'error-invalid-room',
			details: { method: NAME },
		});
		expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
	});

	for (const [what, keyID] of [
		['an empty key id', ''],
		['a key id of 129 characters', 'k'.repeat(129)],
	] as const) {
		it(`refuses ${what}`, async () => {
			const rid = await addRoom(roomkey.store, [alice]);
			expect(await rejection(roomkey.call(alice, NAME, rid, keyID))).to.deep.include({
				error: 'error-invalid-key-id',
				details: { method: NAME },
			});
			expect(await keyIdOf(roomkey.store, rid)).to.equal(undefined);
		});
	}

	it('is refused with error-invalid-room if the room is deleted meanwhile', async () => {
		const rid = await addRoom(roomkey.store, [alice]);
		hooked.before('rooms', 'findOneAndUpdate', () => roomkey.store.rooms.deleteOne({ _id: rid }));
		expect(await rejection(roomkey.call(alice, NAME, rid, 'k'))).to.include({ error: 'error-invalid-room' });
	});

	it('accepts a key id of 128 characters', async () => {
		const rid = await addRoom(roomkey.store, [alice]);
		await roomkey.call(alice, NAME, rid, 'k'.repeat(128));
		expect(await keyIdOf(roomkey.store, rid)).to.have.length(128);
	});

	it('checks its arguments in order, before it requires a user (4.1 step 1, 2)', async () => {
		expect(await rejection(roomkey.call(null, NAME))).to.include({
			message: 'Match error: Expected string, got undefined',
		});
		expect(await rejection(roomkey.call(null, NAME, 'rid', 5))).to.include({
			message: 'Match error: Expected string, got number',
		});
		expect(await rejection(roomkey.call(null, NAME, 'rid', 'k'))).to.deep.include({
			error: 'error-invalid-user',
			reason: 'Invalid user',
			details: { method: NAME },
		});
	});

	it('works in a channel without membership, encryption or E2E_Enable (4.1)', async () => {
		const rid = await addRoom(roomkey.store, [], { t: 'c', encrypted: false });
		await during(roomkey.store, 'E2E_Enable', false, () => roomkey.call(alice, NAME, rid, 'k'));
		expect(await keyIdOf(roomkey.store, rid)).to.equal('k');
	});

	it('ignores surplus arguments', async () => {
		const rid = await addRoom(roomkey.store, [alice]);
		await roomkey.call(alice, NAME, rid, 'k', 'more', { $ne: 1 });
		expect(await keyIdOf(roomkey.store, rid)).to.equal('k');
	});
});
