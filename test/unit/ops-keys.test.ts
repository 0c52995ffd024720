/** The metrics of keys: key events, and the number of rooms whose key nobody holds. */
import { expect } from 'chai';
import { countRoomsWithoutHolder } from '../../server/ops/holderCensus.js';
import { keyEventOfChange, keyEventsOfUpdate } from '../../server/ops/keyEvents.js';
import { sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom } from '../support/people.js';
import { openTestStore } from '../support/store.js';

describe('events of keys', () => {
	const updated = (collection: string, before: object, document: object) =>
		keyEventOfChange({ collection, action: 'updated', before, document } as never);

	it('distinguish the first key id of a room from a reset', () => {
		const events = (update: object) => keyEventsOfUpdate('rocketchat_room', update);
		expect(events({ $set: { e2eKeyId: 'a' } })).to.deep.equal(['room_key_set']);
		// Only a reset removes the mark of a stale key.
		expect(events({ $set: { e2eKeyId: 'a' }, $unset: { e2eStale: 1 } })).to.deep.equal(['room_key_reset']);
		expect(events({ $set: { topic: 'a' } })).to.deep.equal([]);
	});

	it('are identity_set and identity_removed for the identity key of a user', () => {
		const user = (public_key?: string) => ({ _id: 'u', ...(public_key && { e2e: { public_key } }) });
		expect(updated('users', user(), user('a'))).to.equal('identity_set');
		expect(updated('users', user('a'), user())).to.equal('identity_removed');
		expect(updated('users', user('a'), user('a'))).to.equal(undefined);
	});

	it('do not occur for a change without the former state, or of a setting', () => {
		expect(keyEventOfChange({ collection: 'users', action: 'updated', document: { _id: 'u' } } as never)).to.equal(
			undefined,
		);
		expect(updated('settings', { _id: 's' }, { _id: 's' })).to.equal(undefined);
	});

	it('are offered, accepted, stored, removed and withdrawn for the key of a member', () => {
		const events = (...update: object[]) => update.map((one) => keyEventsOfUpdate('rocketchat_subscription', one));
		expect(
			events(
				{ $set: { E2ESuggestedKey: 'x' } },
				{ $set: { E2EKey: 'x' }, $unset: { E2ESuggestedKey: 1 } },
				{ $set: { E2EKey: 'x' } },
				{ $unset: { E2EKey: 1 } },
				{ $unset: { E2ESuggestedKey: 1 } },
				{ $set: { name: 'x' } },
			),
		).to.deep.equal([['offered'], ['accepted'], ['stored'], ['removed'], ['withdrawn'], []]);
	});
});

describe('the number of rooms without a holder', () => {
	it('includes rooms on every page, and rooms where only a former key is left', async () => {
		const { store, close } = await openTestStore();
		const alice = await addPerson(store);
		// A page has 100 rooms.
		for (let i = 0; i < 250; i++) await addRoom(store, [alice], { e2eKeyId: 'key' });
		await addRoom(store, [alice]);
		for (let i = 0; i < 3; i++) {
			const rid = await addRoom(store, [], { e2eKeyId: 'key' });
			await addMember(store, rid, alice, { E2EKey: sealed('key') });
		}
		const other = await addRoom(store, [], { e2eKeyId: 'key' });
		await addMember(store, other, alice, { E2EKey: sealed('old') });
		expect(await countRoomsWithoutHolder(store)).to.equal(251);
		await close();
	});
});
