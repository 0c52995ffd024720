/** Roomkey stores keys, not messages (test/contract/beyond.md section 3). */
import { expect } from 'chai';
import { addPerson } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey } from '../support/roomkey.js';

describe('messages (beyond.md 3)', () => {
	for (const name of ['sendMessage', 'chat.sendMessage']) {
		it(`${name} is refused with a client-safe error`, async () => {
			const roomkey = await openRoomkey();
			const alice = await addPerson(roomkey.store);
			expect(await rejection(roomkey.call(alice, name, { rid: 'room', msg: 'hello' }))).to.deep.include({
				isClientSafe: true,
				error: 'error-not-supported',
				details: { method: name },
			});
			await roomkey.close();
		});
	}
});
