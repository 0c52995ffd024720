/** Keys from the first to the last, with real cryptography: one ceremony, over either protocol, in either form. */
import { expect } from 'chai';
import type { Format } from 'roomkey/e2e';
import { startApp, type TestApp } from '../support/app.js';
import { dump, privateKeysIn, readAll, textsIn } from '../support/attacker.js';
import { Member } from '../support/member.js';
import { addPerson } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { transports } from '../support/transports.js';

/** Whether a document is the user's own, or that of a membership of theirs. */
const isOf =
	({ id }: Member) =>
	(document: { _id?: string; u?: { _id: string } }) =>
		document._id === id || document.u?._id === id;

for (const [how, enter] of Object.entries(transports)) {
	for (const format of ['v1', 'v2'] as Format[]) {
		describe(`A key ceremony ${how}, in ${format}`, () => {
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

			it('gives the key to whom a member gives it, and to nobody else', async () => {
				const [alice, bob] = [await join('alice'), await join('bob')];
				const { group } = await alice.client.call('groups.create', {
					name: 'ceremony',
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

				await alice.client.call('groups.invite', { roomId: rid, roomName: 'ceremony', userId: bob.id });
				await bob.client.call('e2e.requestSubscriptionKeys');
				expect(await waiting()).to.deep.equal([bob.id]);
				await alice.serve(rid);
				await bob.accept(rid);
				expect(await waiting()).to.deep.equal([]);
				expect(await bob.read(rid, first)).to.equal('the first thing alice says');

				// Carol comes later, and bob, who was given the key himself, gives it to her.
				const carol = await join('carol');
				await alice.client.call('groups.invite', { roomId: rid, roomName: 'ceremony', userId: carol.id });
				await bob.serve(rid);
				await carol.accept(rid);
				expect(await carol.read(rid, first)).to.equal('the first thing alice says');

				// A new key. What was said under the old one stays readable to those who could read it.
				await alice.resetRoom(rid);
				expect(await waiting()).to.have.members([bob.id, carol.id]);
				const second = await alice.write(rid, 'the second thing alice says');
				await alice.serve(rid);
				for (const member of [bob, carol]) await member.accept(rid);
				for (const member of [alice, bob, carol]) {
					expect(await member.read(rid, first)).to.equal('the first thing alice says');
					expect(await member.read(rid, second)).to.equal('the second thing alice says');
				}

				// A member who joins after that can read the past only if it was offered along.
				const dave = await join('dave');
				await alice.client.call('groups.invite', { roomId: rid, roomName: 'ceremony', userId: dave.id });
				await carol.serve(rid);
				await dave.accept(rid);
				expect(await dave.read(rid, second)).to.equal('the second thing alice says');
				if (format === 'v2') expect(await dave.read(rid, first)).to.equal('the first thing alice says');
				else expect(await rejection(dave.read(rid, first))).to.include({ code: 'unknown-key' });

				// Mallory has all that is stored, and what was said.
				const stored = await dump(app.store);
				const everything = JSON.stringify([stored, app.log.lines]);
				const secrets = members.flatMap((member) => member.secrets);
				expect(secrets).to.have.length(4 * 7 + 2 + 2);
				for (const secret of secrets) expect(everything.includes(secret), 'a secret is stored').to.equal(false);
				const texts = textsIn([stored, first, second]);
				const privateKeys = privateKeysIn(texts);
				expect(privateKeys).to.have.length(4);
				// Each try on a v2 key takes 100,000 rounds: the key of one member stands for all of them.
				const tried = format === 'v1' ? privateKeys : privateKeys.slice(0, 1);
				expect(await readAll(texts, tried, [first, second])).to.deep.equal([]);
				// With the passphrase of somebody who was there it would go: the search finds what there is to find.
				const ofBob = textsIn([...Object.values(stored).flat().filter(isOf(bob)), bob.passphrase, first, second]);
				expect(await readAll(ofBob, privateKeysIn(ofBob), [first, second])).to.deep.equal([
					'the first thing alice says',
					'the second thing alice says',
				]);
			});
		});
	}
}
