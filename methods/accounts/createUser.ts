/** `createUser` (`contract/ddp.md` 16.1, 16.3): a stranger makes an account and is logged in with it. Off by default. */
import { check } from '../../shared/check.js';
import type { User } from '../../shared/documents.js';
import { refusal } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { type Filter, isDuplicateKey, type Store, type UpdateFilter } from '../../shared/store.js';
import type { LoginResult } from './login.js';
import { hashPassword, NewPassword } from './passwords.js';
import { logInWith, makeToken } from './tokens.js';

/** Longest name or e-mail, in characters: that of an e-mail (RFC 5321). */
const LONGEST_NAME = 254;

/** No control characters and no half ones: neither is typed, and databases disagree about them. */
const Name = Match.Where(
	(text): text is string => typeof text === 'string' && text.length <= LONGEST_NAME && !/[\p{Cc}\p{Cs}]/u.test(text),
);

/** What a document can hold in either store: JSON and dates. */
function isStorable(value: unknown): boolean {
	if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
	if (typeof value === 'number') return Number.isFinite(value);
	if (Array.isArray(value)) return value.every(isStorable);
	if (value instanceof Date) return !Number.isNaN(value.getTime());
	return (
		Match.test(value, Object) &&
		Object.entries(value).every(([key, field]) => /^[^$.][^.]*$/.test(key) && isStorable(field))
	);
}

const NewUser = Match.ObjectIncluding({
	username: Match.Optional(Name),
	email: Match.Optional(Name),
	password: Match.Optional(NewPassword),
	profile: Match.Optional(
		Match.Where((value): value is Record<string, unknown> => Match.test(value, Object) && isStorable(value)),
	),
});

const sameWithoutCase = (name: string) => new RegExp(`^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`, 'i');

/** Whether a user other than this one has the name or the e-mail, whatever the case. */
async function isTaken(store: Store, { _id, username, emails }: User): Promise<boolean> {
	const names: Filter<User>[] = [];
	if (username) names.push({ username: sameWithoutCase(username) });
	for (const { address } of emails ?? []) names.push({ 'emails.address': sameWithoutCase(address) });
	return (await store.users.findOne({ _id: { $ne: _id }, $or: names }, { projection: { _id: 1 } })) !== null;
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
 * @throws ClientError 403 where the name or the e-mail is taken
 */
async function insertUser(store: Store, user: User & Required<Pick<User, 'services'>>): Promise<void> {
	const taken = refusal('loginFailed');
	if (await isTaken(store, user)) throw taken;
	const claim = `name ${user.username?.toLowerCase() ?? user._id}`;
	const tokens = user.services.resume?.loginTokens ?? [];
	const resume = { loginTokens: [...tokens, { hashedToken: claim, when: new Date() }] };
	try {
		await store.users.insertOne({ ...user, services: { ...user.services, resume } });
	} catch (error) {
		throw isDuplicateKey(error) ? taken : error;
	}
	if (await isTaken(store, user)) {
		await store.users.deleteOne({ _id: user._id });
		throw taken;
	}
	const dropClaim = { $pull: { 'services.resume.loginTokens': { hashedToken: claim } } };
	await store.users.updateOne({ _id: user._id }, dropClaim as UpdateFilter<User>);
}

export const createUser = method({
	name: 'createUser',
	args: { options: Object },
	summary: 'Makes an account from {username, email, password, profile} and logs in with it, if the server allows it',
	anonymous: true,
	changesUser: true,
	async run({ options }, context): Promise<LoginResult> {
		const { settings, store } = context;
		if (!settings.signUps) throw refusal('signUpsForbidden');
		check(options, NewUser);
		const { username, email, password, profile } = options;
		if (!username && !email) throw refusal('namelessUser');
		const made = makeToken(settings);
		const user = {
			_id: randomId(),
			createdAt: new Date(),
			type: 'user',
			roles: ['user'],
			active: true,
			...(username ? { username } : {}),
			// In lower case, where `login` finds it however it is typed.
			...(email ? { emails: [{ address: email.toLowerCase(), verified: false }] } : {}),
			...(profile ? { profile } : {}),
			services: {
				...(password ? { password: { bcrypt: await hashPassword(password) } } : {}),
				resume: { loginTokens: [made.entry] },
			},
		};
		await insertUser(store, user);
		return { ...(await logInWith(made, user._id, context)), type: 'password' };
	},
});
