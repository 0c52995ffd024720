/** A method that accepts bodies above `maxBody`. */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { headersOf, post, request } from '../support/rest.js';

const MEMBERS = 500;
const OLD_KEYS = 10;
const MIB = 1024 * 1024;
/** A sealed key as long as in Rocket.Chat. */
const sealed = (keyId: string) => keyId + 'A'.repeat(342).concat('==');

describe('a method with a larger limit for bodies than `maxBody`', () => {
	let app: TestApp;
	let alice: Person;
	let rid: string;

	before(async () => {
		app = await startApp({ maxBody: MIB });
		alice = await addPerson(app.store);
		rid = await addRoom(app.store, [], { encrypted: true, e2eKeyId: 'present-key0' });
		await addMember(app.store, rid, alice, { E2EKey: sealed('present-key0') });
		const e2e = { public_key: 'public', private_key: 'private' };
		for (let i = 0; i < MEMBERS; i++) {
			await addMember(app.store, rid, await addPerson(app.store, { _id: `m${i}`, username: `m${i}`, e2e }));
		}
	});
	after(() => app.close());

	const PATH = '/api/v1/e2e.provideUsersSuggestedGroupKeys';
	const provide = (as: Person | null, body: unknown) => post(app.url + PATH, as, body);

	it('accepts a body above `maxBody`, with eleven keys for each of 500 members', async () => {
		const oldKeys = Array.from({ length: OLD_KEYS }, (_, i) => ({
			e2eKeyId: `old-key-000${i}`,
			ts: new Date(i).toISOString(),
			E2EKey: sealed(`old-key-000${i}`),
		}));
		const offers = Array.from({ length: MEMBERS }, (_, i) => ({ _id: `m${i}`, key: sealed('present-key0'), oldKeys }));
		const body = JSON.stringify({ usersSuggestedGroupKeys: { [rid]: offers } });
		expect(body.length).to.be.greaterThan(2 * MIB);
		const answer = await provide(alice, body);
		expect(answer.body).to.deep.equal({ success: true });
		const offered = {
			rid,
			E2ESuggestedKey: { $exists: true },
			[`suggestedOldRoomKeys.${OLD_KEYS - 1}`]: { $exists: true },
		};
		expect(await app.store.subscriptions.countDocuments(offered as object)).to.equal(MEMBERS);
	});

	it('refuses a call without a login before the body is read', async () => {
		// A body that was read would be refused as invalid JSON.
		const invalid = `{${'x'.repeat(2 * MIB)}`;
		expect((await provide(null, invalid)).status).to.equal(401);
		expect((await provide(alice, invalid)).status).to.equal(400);
		const inChunks = { method: 'POST', headers: { 'Content-Type': 'application/json' }, duplex: 'half' };
		const { status } = await request(app.url + PATH, { ...inChunks, body: new Blob(['{']).stream() } as RequestInit);
		expect(status).to.equal(401);
	});

	it('refuses a body above its limit, as others refuse one above `maxBody`', async () => {
		const tooLarge = { usersSuggestedGroupKeys: { none: ['x'.repeat(5 * MIB)] } };
		expect((await provide(alice, tooLarge)).status).to.equal(413);
		const other = await request(`${app.url}/api/v1/e2e.setRoomKeyID`, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', ...headersOf(alice) },
			body: JSON.stringify({ rid: 'x'.repeat(MIB), keyID: 'k' }),
		});
		expect(other.status).to.equal(413);
	});
});
