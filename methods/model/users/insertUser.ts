/** Stores new users. User names and e-mails are unique without regard to case. */
import type { User } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { isDuplicateKey } from '../../../shared/storeErrors.js';
import { exists } from '../exists.js';
import { ignoringCase, type NameField } from './findUser.js';

/** A user name or an e-mail that another user already has. */
export interface TakenValue {
	readonly field: NameField;
	readonly value: string;
}

/** Finds a user name or an e-mail of this user that another user has, without regard to case. */
export async function findTaken(
	store: Store,
	{ _id, username, emails = [] }: Pick<User, '_id' | 'username' | 'emails'>,
): Promise<TakenValue | null> {
	const isTaken = async (field: NameField, text: string) => {
		const filter = { _id: { $ne: _id }, ...ignoringCase(field, text) };
		return exists(store.users, filter);
	};
	if (username && (await isTaken('username', username))) return { field: 'username', value: username };
	for (const { address } of emails)
		if (await isTaken('emails.address', address)) return { field: 'emails.address', value: address };
	return null;
}

/**
 * Stores a new user, unless another user has the user name or an e-mail already.
 *
 * The unique indexes of a Rocket.Chat database distinguish `alice` from `Alice`. The user is therefore inserted with a
 * claim to the user name and to each e-mail. A claim is an entry among the user's login tokens, with the value in lower
 * case in place of a hash. Hashes are unique over all users: of two calls that claim the same value, one fails. Nobody
 * can log in with a claim.
 *
 * After the insert, the values are checked again, because other programs, and calls that change a user, make no claims.
 * If a value is taken by then, the new user is removed. Otherwise only the claims are removed. Claims that a crash
 * leaves are removed with expired tokens.
 *
 * @returns the user name or e-mail that is taken; null if the user was stored
 */
export async function insertUser(store: Store, user: User & Required<Pick<User, 'services'>>): Promise<string | null> {
	const taken = await findTaken(store, user);
	if (taken !== null) return taken.value;
	const values = [user.username, ...(user.emails ?? []).map(({ address }) => address)];
	const claims = values.flatMap((value) => (value === undefined ? [] : [`name ${value.toLowerCase()}`]));
	const claimTokens = [...new Set(claims)].map((hashedToken) => ({ hashedToken, when: new Date() }));
	const resume = { loginTokens: [...(user.services.resume?.loginTokens ?? []), ...claimTokens] };
	try {
		await store.users.insertOne({ ...user, services: { ...user.services, resume } }, { silent: true });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		// If nothing is taken any more, the other call has removed its user. Any of the values is reported then.
		return (await findTaken(store, user))?.value ?? user.username ?? user.emails?.[0]?.address ?? user._id;
	}
	const takenSince = await findTaken(store, user);
	if (takenSince !== null) {
		await store.users.deleteOne({ _id: user._id }, { silent: true });
		return takenSince.value;
	}
	const dropClaims = { $pull: { 'services.resume.loginTokens': { hashedToken: { $in: claims } } } };
	await store.users.updateOne({ _id: user._id }, dropClaims, { silent: true });
	await store.users.announce('inserted', user);
	return null;
}
