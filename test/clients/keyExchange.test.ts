/** A whole key exchange with real cryptography, over DDP and REST, in the formats v1 and v2 of `docs/e2e.md`. */
import { expect } from 'chai';
import type { Format } from 'roomkey/e2e';
import { startApp, type TestApp } from '../support/app.js';
import { dump, privateKeysIn, readAll, textsIn } from '../support/attacker.js';
import { Member } from '../support/member.js';
import { addPerson } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { transports } from '../support/transports.js';

/** Whether a document is the user document or a membership of a member. */
const isOf =
	({ id }: Member) =>
	(document: { _id?: string; u?: { _id: string } }) =>
		document._id === id || document.u?._id === id;

for (const [how, enter] of Object.entries(transports)) {
	for (const format of ['v1', 'v2'] as Format[]) {
		describe(`A key exchange ${how}, in ${format}`, () => {
			let app: TestApp;
			const members: Member[] = [];
			const join = async (username: string) => {
				const client = await enter(app.url, await addPerson(app.store, { username }));
				const member = new Member(client, `${username} has a secret`, format);
				members.push(member);
				await member.makeIdentity();
				return member;
			};

			before(async () => {
				app = await startApp();
			});
			after(async () => {
				for (const { client } of members) client.close();
				await app.close();
			});

			it('lets users read messages only after a member has given them the key', async () => {
				const [alice, bob] = [await join('alice'), await join('bob')];
				const { group } = await alice.client.call('groups.create', {
					name: 'exchange',
					members: [],
					readOnly: false,
					customFields: {},
					extraData: { encrypted: true },
				});
				const rid: string = group._id;
				const waiting = async () =>
					(await app.store.rooms.findOne({ _id: rid }))?.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? [];
				await alice.keyRoom(rid);
				const first = await alice.write(rid, 'the first thing alice says');

				await alice.client.call('groups.invite', { roomId: rid, roomName: 'exchange', userId: bob.id });
				await bob.client.call('e2e.requestSubscriptionKeys');
				expect(await waiting()).to.deep.equal([bob.id]);
				await alice.serve(rid);
				await bob.accept(rid);
				expect(await waiting()).to.deep.equal([]);
				expect(await bob.read(rid, first)).to.equal('the first thing alice says');

				const carol = await join('carol');
				await alice.client.call('groups.invite', { roomId: rid, roomName: 'exchange', userId: carol.id });
				await bob.serve(rid);
				await carol.accept(rid);
				expect(await carol.read(rid, first)).to.equal('the first thing alice says');

				await alice.resetRoom(rid);
				expect(await waiting()).to.have.members([bob.id, carol.id]);
				const second = await alice.write(rid, 'the second thing alice says');
				await alice.serve(rid);
				for (const member of [bob, carol]) await member.accept(rid);
				for (const member of [alice, bob, carol]) {
					expect(await member.read(rid, first)).to.equal('the first thing alice says');
					expect(await member.read(rid, second)).to.equal('the second thing alice says');
				}

				// A member who joins later reads old messages only if the former keys were offered too, as in v2.
				const dave = await join('dave');
				await alice.client.call('groups.invite', { roomId: rid, roomName: 'exchange', userId: dave.id });
				await carol.serve(rid);
				await dave.accept(rid);
				expect(await dave.read(rid, second)).to.equal('the second thing alice says');
				if (format === 'v2') expect(await dave.read(rid, first)).to.equal('the first thing alice says');
				else expect(await rejection(dave.read(rid, first))).to.include({ code: 'unknown-key' });

				// An attacker has everything that is stored, the log, and the encrypted messages.
				const stored = await dump(app.store);
				const everything = JSON.stringify([stored, app.log.lines]);
				const secrets = members.flatMap((member) => member.secrets);
				// Of each member the passphrase and six parts of the private key. Then two room keys and two texts.
				expect(secrets).to.have.length(4 * 7 + 2 + 2);
				for (const secret of secrets) expect(everything.includes(secret), 'a secret is stored').to.equal(false);
				const texts = textsIn([stored, first, second]);
				const privateKeys = privateKeysIn(texts);
				expect(privateKeys).to.have.length(4);
				// In v2 each try of a passphrase takes 100,000 rounds, so only one private key is tried.
				const tried = format === 'v1' ? privateKeys : privateKeys.slice(0, 1);
				expect(await readAll(texts, tried, [first, second])).to.deep.equal([]);
				// The search itself works: with bob's documents and passphrase it reads both messages.
				const ofBob = textsIn([...Object.values(stored).flat().filter(isOf(bob)), bob.passphrase, first, second]);
				expect(await readAll(ofBob, privateKeysIn(ofBob), [first, second])).to.deep.equal([
					'the first thing alice says',
					'the second thing alice says',
				]);
			});
		});
	}
}
