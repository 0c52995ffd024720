/** The keys of a member: test/contract/rocketchat-e2e.md 2.3 and 13, test/contract/beyond.md E6. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
	type KeyFields,
	type KeyState,
	keysOf,
	type MemberKeys,
	stateOf,
	TRANSITIONS,
	type Transition,
} from '../../methods/model/keys/memberKeys.js';
import { isOfKeyId, keyIdOf } from '../../methods/model/keys/sealedKey.js';
import {
	accept,
	archive,
	archiveCurrentKey,
	clear,
	drop,
	MAX_OLD_KEYS,
	offer,
	returnKey,
	store,
} from '../../methods/model/keys/transitions.js';
import { sealed } from '../support/keys.js';

const old = (...keyIds: string[]) =>
	keyIds.map((e2eKeyId, i) => ({ e2eKeyId, ts: new Date(i), E2EKey: `old key ${i}` }));

describe('sealed keys (13)', () => {
	it('begin with their key id, of any length', () => {
		for (const keyId of ['', 'k', 'my-UniQu3_ke4_Id', 'x'.repeat(128)]) expect(keyIdOf(sealed(keyId))).to.equal(keyId);
	});

	it('belong to their key id; malformed ones may belong to any (E6)', () => {
		expect(isOfKeyId(sealed('a'), 'a')).to.equal(true);
		for (const other of ['b', '', null, undefined]) expect(isOfKeyId(sealed('a'), other)).to.equal(false);
		for (const odd of ['a key', `${sealed('a')} `, sealed('a').slice(0, -1)]) {
			expect(keyIdOf(odd)).to.equal(null);
			expect(isOfKeyId(odd, 'b')).to.equal(true);
		}
	});
});

describe('old keys (2.3)', () => {
	it("begin with the newest key, with its own key id or else the room's", () => {
		const key = sealed('mine');
		expect(archiveCurrentKey({ key, oldKeys: old('x') }, 'room')[0]).to.include({ e2eKeyId: 'mine', E2EKey: key });
		expect(archiveCurrentKey({ key: 'odd', oldKeys: [] }, 'room')[0]).to.include({ e2eKeyId: 'room', E2EKey: 'odd' });
	});

	it('contain no key twice, and not a key that remains the current key', () => {
		const oldKeys = old('x');
		expect(archiveCurrentKey({ key: 'old key 0', oldKeys }, 'x')).to.equal(oldKeys);
		expect(archiveCurrentKey({ key: 'same', oldKeys }, 'x', 'same')).to.equal(oldKeys);
		expect(archiveCurrentKey({ key: undefined, oldKeys: [] }, 'x')).to.deep.equal([]);
	});

	it('are at most ten; the oldest is removed if all key ids differ', () => {
		const keys = archiveCurrentKey({ key: sealed('new'), oldKeys: old(...'0123456789') }, 'room');
		expect(keys.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal(['new', ...'012345678']);
		expect(keys).to.have.length(MAX_OLD_KEYS);
	});

	it('lose, above ten, the oldest one whose key id the next key or a newer old key has', () => {
		const again = archiveCurrentKey({ key: sealed('now'), oldKeys: old(...'0123456789') }, 'now', sealed('now'));
		expect(again.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal([...'0123456789']);
		const copies = archiveCurrentKey({ key: sealed('b'), oldKeys: old(...'abacdefghi') }, 'b', sealed('c'));
		expect(copies.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal([...'babadefghi']);
		const newer = archiveCurrentKey({ key: sealed('a'), oldKeys: old(...'abcdefghij') }, 'a', sealed('next'));
		expect(newer.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal([...'abcdefghij']);
	});

	it('lose, above ten, a returned one before older ones', () => {
		const returned = old(...'0123456789').map((key, i) => (i === 3 ? { ...key, returned: true } : key));
		const others = archiveCurrentKey({ key: sealed('new'), oldKeys: returned }, 'room');
		expect(others.map(({ e2eKeyId }) => e2eKeyId)).to.deep.equal(['new', ...'012456789']);
	});
});

describe("the transitions of a member's keys", () => {
	const room = { e2eKeyId: 'k' };
	/** Memberships with keys of the room's key id, of another key id, and malformed ones. */
	const membership = fc.record(
		{
			E2EKey: fc.constantFrom(sealed('k'), sealed('other'), 'odd', '', null as unknown as string),
			E2ESuggestedKey: fc.constantFrom(` ${sealed('k')}`, sealed('other'), 'odd', ' '),
			oldRoomKeys: fc.constantFrom([], old('k', 'other'), [{ e2eKeyId: 'k', ts: new Date(0), E2EKey: sealed('k') }]),
			suggestedOldRoomKeys: fc.constantFrom([], old('k', 'x')),
		},
		{ requiredKeys: [] },
	);
	const fieldsOf = (keys: MemberKeys): KeyFields => ({
		...(keys.key !== undefined && { E2EKey: keys.key }),
		...(keys.offer !== undefined && { E2ESuggestedKey: keys.offer }),
		oldRoomKeys: [...keys.oldKeys],
		suggestedOldRoomKeys: [...keys.offeredOldKeys],
		e2eKnownKeys: [...keys.records],
	});
	const transitions: Record<keyof typeof TRANSITIONS, (keys: MemberKeys) => Transition> = {
		store: () => store(sealed('k'), room),
		offer: () => offer(sealed('k'), room, { by: 'alice' }),
		accept: () => accept(room),
		drop: (keys) => drop(keys.offer),
		archive: (keys) => archive(keys.key ?? 'none', room),
		returnKey: () => returnKey(room),
		clear: () => clear(room),
	};

	for (const [name, { from, to }] of Object.entries(TRANSITIONS)) {
		it(`${name} leads from its "from" states to its "to" states, and loses no current or old key`, () => {
			let checked = 0;
			fc.assert(
				fc.property(membership, (before) => {
					const keys = keysOf(before);
					if (!(from as readonly KeyState[]).includes(stateOf(before, room))) return;
					const after = transitions[name as keyof typeof TRANSITIONS](keys)(keys);
					if (!after) return;
					checked++;
					expect(to).to.include(stateOf(fieldsOf(after), room));
					const copies = [after.key, ...after.oldKeys.map(({ E2EKey }) => E2EKey)];
					for (const { E2EKey } of keys.oldKeys) expect(copies).to.include(E2EKey);
					if (keys.key) expect(copies).to.include(keys.key);
				}),
			);
			expect(checked).to.be.greaterThan(0);
		});
	}
});
