/** A new user, and whether somebody has the name or the e-mail already, whatever the case. */
import type { User } from '../../shared/documents.js';
import { type Filter, isDuplicateKey, type Store, type UpdateFilter } from '../../shared/store.js';

const sameWithoutCase = (name: string) => new RegExp(`^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`, 'i');

/**
 * The name or the e-mail of a user that another one has, whatever the case; null where nobody has.
 * @param user only what is to be asked for need be there
 */
export async function findTaken(
	store: Store,
	{ _id, username, emails = [] }: Pick<User, '_id' | 'username' | 'emails'>,
): Promise<string | null> {
	const names: Filter<User>[] = [];
	if (username) names.push({ username: sameWithoutCase(username) });
	for (const { address } of emails) names.push({ 'emails.address': sameWithoutCase(address) });
	if (names.length === 0) return null;
	const other = await store.users.findOne({ _id: { $ne: _id }, $or: names }, { projection: { username: 1 } });
	if (!other) return null;
	const address = emails[0]?.address;
	return username && (!address || other.username?.toLowerCase() === username.toLowerCase())
		? username
		: (address ?? null);
}

/**
 * Stores a new user, unless somebody has the name or the e-mail already.
 *
 * The unique indexes tell `alice` from `Alice`, and a Rocket.Chat database gets no others from us. So between the insert
 * and a second look at who has that name, the new user also holds a claim to it: one more entry among the hashes of its
 * login tokens, which are unique over all users. Two who come at once cannot both hold the claim, and who comes later
 * finds the first one at the second look, and takes the own user back. The claim is no hash: nobody logs in with it. One
 * that a crash left behind goes with the tokens that run out.
 *
 * @returns what is taken, the name or the e-mail; null where the user was stored
 */
export async function insertUser(store: Store, user: User & Required<Pick<User, 'services'>>): Promise<string | null> {
	const taken = await findTaken(store, user);
	if (taken !== null) return taken;
	const claim = `name ${user.username?.toLowerCase() ?? user._id}`;
	const tokens = user.services.resume?.loginTokens ?? [];
	const resume = { loginTokens: [...tokens, { hashedToken: claim, when: new Date() }] };
	try {
		await store.users.insertOne({ ...user, services: { ...user.services, resume } });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		// Who was first may already have taken itself back.
		return (await findTaken(store, user)) ?? user.username ?? user.emails?.[0]?.address ?? user._id;
	}
	const meanwhile = await findTaken(store, user);
	if (meanwhile !== null) {
		await store.users.deleteOne({ _id: user._id });
		return meanwhile;
	}
	const dropClaim = { $pull: { 'services.resume.loginTokens': { hashedToken: claim } } };
	await store.users.updateOne({ _id: user._id }, dropClaim as UpdateFilter<User>);
	return null;
}
