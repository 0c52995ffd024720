/** Stores new users; names and e-mails are unique without regard to case. */
import type { User } from '../../../shared/documents.js';
import { isDuplicateKey, type Store, type UpdateFilter } from '../../../shared/store.js';
import { ignoringCase, type NameField } from './findUser.js';

/**
 * Finds the name or the e-mail of a user that another user has, in whatever case; null where both are free.
 * @param user with the fields that are to be checked
 */
export async function findTaken(
	store: Store,
	{ _id, username, emails = [] }: Pick<User, '_id' | 'username' | 'emails'>,
): Promise<string | null> {
	const isTaken = async (field: NameField, text: string) => {
		const filter = { _id: { $ne: _id }, ...ignoringCase(field, text) };
		return (await store.users.findOne(filter, { projection: { _id: 1 } })) !== null;
	};
	if (username && (await isTaken('username', username))) return username;
	for (const { address } of emails) if (await isTaken('emails.address', address)) return address;
	return null;
}

/**
 * Stores a new user, unless another user has the name or the e-mail already.
 *
 * The unique indexes distinguish `alice` from `Alice`, and Roomkey adds no others to a Rocket.Chat database. So between the insert
 * and a second look at who has those names, the new user also holds a claim to each: one more entry among the hashes of
 * its login tokens, which are unique over all users. Two calls at once cannot both hold a claim, and the later one finds
 * the first user at the second look, and removes its own. A claim is no hash: nobody logs in with it. One that a crash
 * left behind goes with the tokens that expire.
 *
 * @returns what is taken, the name or the e-mail; null where the user was stored
 */
export async function insertUser(store: Store, user: User & Required<Pick<User, 'services'>>): Promise<string | null> {
	const taken = await findTaken(store, user);
	if (taken !== null) return taken;
	const names = [user.username, ...(user.emails ?? []).map(({ address }) => address)];
	const claims = names.flatMap((name) => (name === undefined ? [] : [`name ${name.toLowerCase()}`]));
	const claimTokens = [...new Set(claims)].map((hashedToken) => ({ hashedToken, when: new Date() }));
	const resume = { loginTokens: [...(user.services.resume?.loginTokens ?? []), ...claimTokens] };
	try {
		await store.users.insertOne({ ...user, services: { ...user.services, resume } });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		// The other call may already have removed its user.
		return (await findTaken(store, user)) ?? user.username ?? user.emails?.[0]?.address ?? user._id;
	}
	const meanwhile = await findTaken(store, user);
	if (meanwhile !== null) {
		await store.users.deleteOne({ _id: user._id });
		return meanwhile;
	}
	const dropClaims = { $pull: { 'services.resume.loginTokens': { hashedToken: { $in: claims } } } };
	await store.users.updateOne({ _id: user._id }, dropClaims as UpdateFilter<User>);
	return null;
}
