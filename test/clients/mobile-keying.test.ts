/**
 * Gives a room its key as Rocket.Chat's mobile app does. One call offers the key to all members, including the caller.
 * The caller then accepts the offer like anybody else.
 */
import { expect } from 'chai';
import { type Identity, makeIdentity, makeRoomKey, openRoomKey, sealRoomKey } from 'roomkey/e2e';
import { startApp, type TestApp } from '../support/app.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { post } from '../support/rest.js';
import { transports, type Wire } from '../support/transports.js';

/** Key pairs that the members share. It would take a minute to make 300. */
const KEY_PAIRS = 4;

for (const [how, enter] of Object.entries(transports)) {
	describe(`A client that calls like the mobile app, ${how},`, () => {
		let app: TestApp;
		let identities: Identity[];

		before(async () => {
			// The default limits. Those of other tests are too low for 300 offers.
			app = await startApp({ maxBody: 1024 * 1024, ddp: { maxFrame: 1024 * 1024 } });
			identities = await Promise.all(Array.from({ length: KEY_PAIRS }, makeIdentity));
		});
		after(() => app.close());

		const identityOf = (i: number) => identities[i % KEY_PAIRS] as Identity;

		for (const count of [1, 300]) {
			it(`gives a room key to ${count === 1 ? 'the only member' : `all ${count} members`}`, async () => {
				const people: Person[] = [];
				const rid = await addRoom(app.store, [], { t: 'p', encrypted: true });
				for (let i = 0; i < count; i++) {
					const e2e = { public_key: identityOf(i).publicKey, private_key: 'wrapped on the device' };
					people.push(await addPerson(app.store, { e2e }));
					await addMember(app.store, rid, people[i] as Person, { t: 'p' });
				}
				const [alice] = people as [Person];
				const client = await enter(app.url, alice);

				const key = await makeRoomKey('v1');
				await client.call('e2e.setRoomKeyID', { rid, keyID: key.id });
				const { users } = await client.call('e2e.getUsersOfRoomWithoutKey', { rid });
				expect(users.map(({ _id }: Wire) => _id)).to.have.members(people.map(({ id }) => id));
				const offers = users.map(async ({ _id, e2e }: Wire) => ({ _id, key: await sealRoomKey(key, e2e.public_key) }));
				const usersSuggestedGroupKeys = { [rid]: await Promise.all(offers) };
				await client.call('e2e.provideUsersSuggestedGroupKeys', { usersSuggestedGroupKeys });

				const { E2ESuggestedKey } = await client.membership(
					rid,
					(membership) => membership.E2ESuggestedKey !== undefined,
				);
				expect((await openRoomKey(E2ESuggestedKey, identityOf(0).privateKey)).jwk).to.equal(key.jwk);
				await client.call('e2e.acceptSuggestedGroupKey', { rid });
				const state = await client.call('e2e.roomState', { rid });
				expect(state).to.include({ hasHolder: true, holders: 1, offered: count - 1, keyID: key.id });
				client.close();

				for (const person of people.slice(1)) {
					const accepted = await post(`${app.url}/api/v1/e2e.acceptSuggestedGroupKey`, person, { rid });
					expect(accepted.body).to.deep.equal({ success: true });
				}
				for (const [i, { id }] of people.entries()) {
					const { E2EKey = '' } = (await app.store.subscriptions.findOne({ rid, 'u._id': id })) ?? {};
					const opened = await openRoomKey(E2EKey, identityOf(i).privateKey);
					expect(opened).to.include({ id: key.id, jwk: key.jwk });
				}
			});
		}
	});
}
