/** The metrics of events of keys, which are derived from writes. */
import { expect } from 'chai';
import { countRoomsWithoutHolder } from '../../server/ops/holderCensus.js';
import { keyEventOfChange, keyEventsOfUpdate } from '../../server/ops/keyEvents.js';
import { sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom } from '../support/people.js';
import { openTestStore } from '../support/store.js';

describe('events of keys', () => {
	const updated = (collection: string, before: object, document: object) =>
		keyEventOfChange({ collection, action: 'updated', before, document } as never);

	it('a key id of a room is set, then reset', () => {
		const events = (update: object) => keyEventsOfUpdate('rocketchat_room', update);
		expect(events({ $set: { e2eKeyId: 'a' } })).to.deep.equal(['room_key_set']);
		expect(events({ $set: { e2eKeyId: 'a' }, $unset: { e2eStale: 1 } })).to.deep.equal(['room_key_reset']);
		expect(events({ $set: { topic: 'a' } })).to.deep.equal([]);
	});

	it('an identity key is set and removed', () => {
		const user = (public_key?: string) => ({ _id: 'u', ...(public_key && { e2e: { public_key } }) });
		expect(updated('users', user(), user('a'))).to.equal('identity_set');
		expect(updated('users', user('a'), user())).to.equal('identity_removed');
		expect(updated('users', user('a'), user('a'))).to.equal(undefined);
	});

	it('a later announcement of the same state, or of another document, is no event', () => {
		expect(keyEventOfChange({ collection: 'users', action: 'updated', document: { _id: 'u' } } as never)).to.equal(
			undefined,
		);
		expect(updated('settings', { _id: 's' }, { _id: 's' })).to.equal(undefined);
	});

	it('a key of a member is offered, accepted, stored, removed, and an offer withdrawn', () => {
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

	it('rooms without a holder are counted over several pages', async () => {
		const { store, close } = await openTestStore();
		const alice = await addPerson(store);
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
