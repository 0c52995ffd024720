/** `users.createToken`, `users.listTokens`, `users.revokeTokens`, called as functions. */
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import { MatchError } from '../../shared/errors.js';
import { WITH_AUTHENTICATOR } from '../support/factors.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { noteSecret } from '../support/secrets.js';

interface Created {
	readonly data: { readonly userId: string; readonly authToken: string; readonly expires?: Date };
}
interface Listed {
	readonly tokens: { readonly id: string; readonly type: string; readonly name?: string; readonly expires?: Date }[];
	readonly total: number;
}

describe('tokens that admins manage', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let alice: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'root', roles: ['admin'] });
		alice = await addPerson(roomkey.store, { username: 'alice' });
	});
	afterEach(() => roomkey.close());

	async function create(as: Person | null, userId: string, name?: string): Promise<Created['data']> {
		const { data } = (await roomkey.call(as, 'users.createToken', userId, undefined, undefined, name)) as Created;
		noteSecret(data.authToken);
		return data;
	}
	const list = (as: Person, userId: string) => roomkey.call(as, 'users.listTokens', userId) as Promise<Listed>;
	const revoke = (as: Person, userId: string, tokenId?: string) =>
		roomkey.call(as, 'users.revokeTokens', userId, undefined, undefined, tokenId);
	const logIn = (resume: string) => roomkey.callAs({ setUserId: () => {} }, 'login', { resume });

	it('log their user in; login tokens expire, and personal access tokens do not', async () => {
		const login = await create(admin, alice.id);
		expect(login.userId).to.equal(alice.id);
		expect(login.expires).to.be.instanceOf(Date);
		expect(await logIn(login.authToken)).to.include({ id: alice.id });
		const personal = await create(admin, alice.id, 'ci');
		expect(personal).not.to.have.property('expires');
		expect(await logIn(personal.authToken)).to.include({ id: alice.id });
	});

	it('log the user in without a second factor', async () => {
		await roomkey.store.users.updateOne({ _id: alice.id }, {
			$set: { 'services.totp': WITH_AUTHENTICATOR.totp },
		} as object);
		const { authToken } = await create(admin, alice.id);
		expect(await logIn(authToken)).to.include({ id: alice.id });
	});

	it('are listed newest first, without tokens and hashes', async () => {
		const { authToken } = await create(admin, alice.id, 'ci');
		const { tokens, total } = await list(admin, alice.id);
		expect(total).to.equal(2);
		expect(tokens.map(({ type, name }) => [type, name])).to.deep.equal([
			['personal', 'ci'],
			['login', undefined],
		]);
		expect(tokens[0]).not.to.have.property('expires');
		expect(tokens[1]?.expires).to.be.instanceOf(Date);
		expect(JSON.stringify(tokens)).not.to.include(authToken).and.not.include(hashToken(authToken));
		expect(tokens[0]?.id).to.have.length(12);
	});

	it('are not listed once they have expired', async () => {
		const old = { hashedToken: hashToken('old'), when: new Date(0) };
		await roomkey.store.users.updateOne({ _id: alice.id }, { $push: { 'services.resume.loginTokens': old } });
		expect((await list(admin, alice.id)).total).to.equal(1);
	});

	it('are revoked one by one or all together; the event that ends connections names them', async () => {
		const { authToken } = await create(admin, alice.id, 'ci');
		const removed: unknown[] = [];
		roomkey.bus.on('tokens-removed', ({ hashedTokens }) => void removed.push(...hashedTokens));
		const [newest] = (await list(admin, alice.id)).tokens;
		expect(await revoke(admin, alice.id, newest?.id)).to.deep.equal({ revoked: 1 });
		expect(removed).to.deep.equal([hashToken(authToken)]);
		expect(await rejection(revoke(admin, alice.id, newest?.id))).to.include({ error: 'error-invalid-token' });
		expect(await revoke(admin, alice.id)).to.deep.equal({ revoked: 1 });
		expect(removed).to.deep.equal([hashToken(authToken), hashToken(alice.token)]);
		expect(await revoke(admin, alice.id)).to.deep.equal({ revoked: 0 });
	});

	it('can be created, listed and revoked only by admins', async () => {
		expect(await rejection(create(alice, alice.id))).to.include({ error: 'error-unauthorized' });
		expect(await rejection(list(alice, admin.id))).to.include({ error: 'error-unauthorized' });
		expect(await rejection(revoke(alice, admin.id))).to.include({ error: 'error-unauthorized' });
		expect(await rejection(create(null, alice.id))).to.include({ error: 'error-invalid-user' });
	});

	// Otherwise a user who may create tokens could log in as an admin.
	it('can be created for an admin only with assign-admin-role', async () => {
		const roles = ['admin', 'bot'];
		await roomkey.call(admin, 'permissions.update', [{ _id: 'user-generate-access-token', roles }]);
		const bot = await addPerson(roomkey.store, { username: 'bot', roles: ['bot'] });
		expect(await create(bot, alice.id)).to.include({ userId: alice.id });
		expect(await rejection(create(bot, admin.id))).to.include({ error: 'error-action-not-allowed' });
	});

	it('cannot be created for missing or deactivated users, or with invalid names', async () => {
		expect(await rejection(create(admin, 'nobody'))).to.include({ error: 'error-invalid-user' });
		await roomkey.store.users.updateOne({ _id: alice.id }, { $set: { active: false } });
		expect(await rejection(create(admin, alice.id))).to.include({ error: 'error-action-not-allowed' });
		for (const name of ['', 'x'.repeat(101)])
			expect(await rejection(create(admin, alice.id, name))).to.be.instanceOf(MatchError);
	});
});
