/** Room keys of members without identity keys (test/contract/beyond.md E2, E4, E9). */
import { expect } from 'chai';
import { identity, membershipOf, queueOf, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const KEY_ID = 'present-key';

describe('room keys of members without identity keys', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;
	let rid: string;

	before(async () => {
		roomkey = await openRoomkey();
	});
	after(() => roomkey.close());
	beforeEach(async () => {
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store);
		rid = await addRoom(roomkey.store, [bob], { encrypted: true, e2eKeyId: KEY_ID });
		await addMember(roomkey.store, rid, alice, { E2EKey: sealed(KEY_ID) });
	});

	const setIdentity = (name: string) => roomkey.call(bob, 'e2e.setUserPublicAndPrivateKeys', identity(name).e2e);
	const storeOwn = () => roomkey.call(bob, 'e2e.updateGroupKey', rid, bob.id, sealed(KEY_ID));
	const offer = () => roomkey.call(alice, 'e2e.updateGroupKey', rid, bob.id, sealed(KEY_ID));
	async function state() {
		type State = { hasHolder: boolean; members: { _id: string; state: string }[] };
		const { hasHolder, members } = (await roomkey.call(alice, 'e2e.roomState', rid)) as State;
		return { hasHolder, bob: members.find(({ _id }) => _id === bob.id)?.state };
	}
	async function expectWaiting() {
		expect((await state()).bob).to.equal('waiting');
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([bob.id]);
		expect(await offer()).to.equal(undefined);
		expect((await state()).bob).to.equal('offered');
	}

	it('are removed when the first identity keys are stored, if only offered', async () => {
		await offer();
		expect((await state()).bob).to.equal('no-identity-key');
		expect(await setIdentity('bob')).to.equal(undefined);
		expect(await membershipOf(roomkey.store, rid, bob)).to.not.have.property('E2ESuggestedKey');
		await expectWaiting();
	});

	it('are archived when the first identity keys are stored, if accepted as offers', async () => {
		await offer();
		await roomkey.call(bob, 'e2e.acceptSuggestedGroupKey', rid);
		const { E2EKey } = await membershipOf(roomkey.store, rid, bob);
		expect((await state()).bob).to.equal('no-identity-key');
		await setIdentity('bob');
		expect((await membershipOf(roomkey.store, rid, bob)).oldRoomKeys?.map((old) => old.E2EKey)).to.deep.equal([E2EKey]);
		await expectWaiting();
	});

	it('stay when the first identity keys are stored, if the member stored them', async () => {
		await offer();
		// Not by `e2e.updateGroupKey`, which would remove the offer, and refuses other key ids.
		const keyOfOtherId = sealed('other-key');
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { E2EKey: keyOfOtherId } });
		await setIdentity('bob');
		const membership = await membershipOf(roomkey.store, rid, bob);
		expect(membership).to.include({ E2EKey: keyOfOtherId }).and.not.have.property('E2ESuggestedKey');
		await storeOwn();
		expect((await state()).bob).to.equal('holder');
	});

	it('are archived when new identity keys follow a reset of the former ones', async () => {
		await setIdentity('bob');
		await roomkey.call(bob, 'e2e.resetOwnE2EKey');
		await storeOwn();
		const { E2EKey } = await membershipOf(roomkey.store, rid, bob);
		expect((await state()).bob).to.equal('no-identity-key');
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
		expect(await setIdentity('new bob')).to.equal(undefined);
		expect((await membershipOf(roomkey.store, rid, bob)).oldRoomKeys?.map((old) => old.E2EKey)).to.deep.equal([E2EKey]);
		await expectWaiting();
	});

	it('do not make their member a holder of the room key', async () => {
		await storeOwn();
		expect(await roomkey.call(alice, 'e2e.returnRoomKey', rid)).to.deep.equal({ lastKeyHolder: true });
		expect(await state()).to.deep.equal({ hasHolder: false, bob: 'no-identity-key' });
		await roomkey.call(alice, 'e2e.resetRoomKey', rid, sealed('next'), 'next');
		expect((await state()).hasHolder).to.equal(true);
	});

	it('are given up without `lastKeyHolder` in the answer', async () => {
		await roomkey.call(alice, 'e2e.returnRoomKey', rid);
		await storeOwn();
		expect(await roomkey.call(bob, 'e2e.returnRoomKey', rid)).to.equal(undefined);
		await offer();
		await roomkey.call(bob, 'e2e.acceptSuggestedGroupKey', rid);
		expect(await setIdentity('bob')).to.equal(undefined);
	});

	it('make their member a holder once the member stores identity keys', async () => {
		await storeOwn();
		await roomkey.call(alice, 'e2e.returnRoomKey', rid);
		await setIdentity('bob');
		expect(await state()).to.deep.equal({ hasHolder: true, bob: 'holder' });
		expect(await rejection(roomkey.call(alice, 'e2e.resetRoomKey', rid, sealed('next'), 'next'))).to.include({
			error: 'error-not-allowed',
		});
	});
});
