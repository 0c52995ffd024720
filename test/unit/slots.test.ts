import { expect } from 'chai';
import { archiveCurrentKey, MAX_OLD_KEYS } from '../../methods/model/keys/memberKeys.js';
import { isOfKeyId, keyIdOf } from '../../methods/model/keys/sealedKey.js';
import { sealed } from '../support/keys.js';

const old = (...keyIds: string[]) =>
	keyIds.map((e2eKeyId, i) => ({ e2eKeyId, ts: new Date(i), E2EKey: `old key ${i}` }));

describe('sealed keys (13)', () => {
	it('13: begin with a key id of any length, counted from the end', () => {
		for (const keyId of ['', 'k', 'my-UniQu3_ke4_Id', 'x'.repeat(128)]) expect(keyIdOf(sealed(keyId))).to.equal(keyId);
	});

	it('E6: are of one key id and no other; a key of another form may be any', () => {
		expect(isOfKeyId(sealed('a'), 'a')).to.equal(true);
		for (const other of ['b', '', null, undefined]) expect(isOfKeyId(sealed('a'), other)).to.equal(false);
		for (const odd of ['a key', `${sealed('a')} `, sealed('a').slice(0, -1)]) {
			expect(keyIdOf(odd)).to.equal(null);
			expect(isOfKeyId(odd, 'b')).to.equal(true);
		}
	});
});

describe('old keys (2.3)', () => {
	it('2.3: take in the present key as the newest, under its own key id or that of the room', () => {
		const key = sealed('mine');
		expect(archiveCurrentKey({ E2EKey: key, oldRoomKeys: old('x') }, 'room')[0]).to.include({
			e2eKeyId: 'mine',
			E2EKey: key,
		});
		expect(archiveCurrentKey({ E2EKey: 'odd' }, 'room')[0]).to.include({ e2eKeyId: 'room', E2EKey: 'odd' });
	});

	it('take in no key twice, and none that stays where it is', () => {
		const oldRoomKeys = old('x');
		expect(archiveCurrentKey({ E2EKey: 'old key 0', oldRoomKeys }, 'x')).to.deep.equal(oldRoomKeys);
		expect(archiveCurrentKey({ E2EKey: 'same', oldRoomKeys }, 'x', 'same')).to.deep.equal(oldRoomKeys);
		expect(archiveCurrentKey({}, 'x')).to.deep.equal([]);
	});

	it('2.3: are ten at most: the oldest goes', () => {
		const keys = archiveCurrentKey({ E2EKey: sealed('new'), oldRoomKeys: old(...'0123456789') }, 'room');
		expect(keys.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal(['new', ...'012345678']);
		expect(keys).to.have.length(MAX_OLD_KEYS);
	});

	it('drop copies of a key before any key of another time', () => {
		const full = old(...'0123456789');
		const again = archiveCurrentKey({ E2EKey: sealed('now'), oldRoomKeys: full }, 'now', sealed('now'));
		expect(again.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal([...'0123456789']);
		const copies = archiveCurrentKey({ E2EKey: sealed('b'), oldRoomKeys: old(...'abacdefghi') }, 'b', sealed('c'));
		expect(copies.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal([...'babadefghi']);
	});
});
