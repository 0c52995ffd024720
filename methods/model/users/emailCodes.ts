/** Codes by mail. Roomkey sends none; those a Rocket.Chat beside it has sent are good here too. */
import { verify } from '@node-rs/bcrypt';
import type { EmailCode, User } from '../../../shared/documents.js';
import type { Store, UpdateFilter } from '../../../shared/store.js';

const CODE = 'services.emailCode';

/** What became of a code: that it is right, or wrong, or that no more may be tried. */
export type Verdict = 'right' | 'wrong' | 'exhausted';

/** The codes that have not expired. */
export function codesOf(stored: EmailCode | EmailCode[] | undefined): EmailCode[] {
	const now = Date.now();
	const codes = [stored ?? []].flat().filter((entry) => typeof entry?.code === 'string');
	return codes.filter(({ expire }) => expire instanceof Date && expire.getTime() > now);
}

/** As older releases keep them: several, and no count of wrong ones. */
async function useOneOf(
	{ users }: Store,
	userId: string,
	codes: readonly EmailCode[],
	digits: string,
): Promise<Verdict> {
	for (const { code } of codes) {
		if (!(await verify(digits, code))) continue;
		const { matchedCount } = await users.updateOne({ _id: userId, [`${CODE}.code`]: code }, {
			$pull: { [CODE]: { code } },
		} as UpdateFilter<User>);
		return matchedCount > 0 ? 'right' : 'wrong';
	}
	return 'wrong';
}

/**
 * Whether it is the code that was mailed to the user; then it is good no more. It counts as tried before it is looked at:
 * many guesses at once must not all find the count where it was.
 */
async function useThe(
	{ users }: Store,
	userId: string,
	{ code, attempts = 0 }: EmailCode,
	digits: string,
	maxAttempts: number,
): Promise<Verdict> {
	const present = { _id: userId, [`${CODE}.code`]: code };
	const counted = await users.findOneAndUpdate(
		{ ...present, [`${CODE}.attempts`]: { $not: { $gte: maxAttempts } } },
		{ $inc: { [`${CODE}.attempts`]: 1 } } as UpdateFilter<User>,
		{ returnDocument: 'after', projection: { [`${CODE}.attempts`]: 1 } },
	);
	// Otherwise another call has just used it.
	if (!counted) return attempts >= maxAttempts ? 'exhausted' : 'wrong';
	if (await verify(digits, code)) {
		const { matchedCount } = await users.updateOne(present, { $unset: { [CODE]: 1 } } as UpdateFilter<User>);
		return matchedCount > 0 ? 'right' : 'wrong';
	}
	const tried = (counted.services?.emailCode as EmailCode | undefined)?.attempts ?? 0;
	return tried >= maxAttempts ? 'exhausted' : 'wrong';
}

/**
 * Tries a code.
 * @param stored what is stored of the user
 * @param text as the user types it: mails show it with a dash
 */
export async function useEmailCode(
	store: Store,
	userId: string,
	stored: EmailCode | EmailCode[] | undefined,
	text: string,
	maxAttempts: number,
): Promise<Verdict> {
	const codes = codesOf(stored);
	const digits = text.replace(/\D/g, '');
	if (Array.isArray(stored)) return useOneOf(store, userId, codes, digits);
	return codes[0] ? useThe(store, userId, codes[0], digits, maxAttempts) : 'wrong';
}
