import { expect } from 'chai';
import { addPerson, addRoom } from '../support/people.js';
import { openRoomkey } from '../support/roomkey.js';
import { describeRoom } from './describeRoom.js';

describe('rooms.describe', () => {
	it('changes the description of a room', async () => {
		const roomkey = await openRoomkey([describeRoom]);
		const alice = await addPerson(roomkey.store);
		const rid = await addRoom(roomkey.store, [alice]);

		expect(await roomkey.call(alice, 'rooms.describe', rid, 'Plans')).to.deep.equal({ description: 'Plans' });

		expect(await roomkey.store.rooms.findOne({ _id: rid })).to.include({ description: 'Plans' });
		await roomkey.close();
	});
});
