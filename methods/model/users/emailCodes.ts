/** Codes by mail. Roomkey sends no mail, but accepts the codes that a Rocket.Chat server on the same database has sent. */
import type { EmailCode } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { isHashOf } from './passwords.js';

const CODE_FIELD = 'services.emailCode';

/** `exhausted`: too many wrong attempts. */
export type Verdict = 'right' | 'wrong' | 'exhausted';

/** The stored codes that have not expired. */
export function validCodesOf(stored: EmailCode | EmailCode[] | undefined): EmailCode[] {
	const now = Date.now();
	const entries = Array.isArray(stored) ? stored : [stored];
	return entries.filter((entry): entry is EmailCode => {
		if (typeof entry?.code !== 'string') return false;
		return entry.expire instanceof Date && entry.expire.getTime() > now;
	});
}

/** Older Rocket.Chat releases stored several valid codes, and did not count attempts. */
async function tryListedCodes(
	{ users }: Store,
	userId: string,
	codes: readonly EmailCode[],
	digits: string,
): Promise<Verdict> {
	for (const { code } of codes) {
		if (!(await isHashOf(digits, code))) continue;
		const { matchedCount } = await users.updateOne(
			{ _id: userId, [`${CODE_FIELD}.code`]: code },
			{ $pull: { [CODE_FIELD]: { code } } },
			{ silent: true },
		);
		return matchedCount > 0 ? 'right' : 'wrong';
	}
	return 'wrong';
}

/**
 * Present Rocket.Chat releases store one code. The attempt is counted before the comparison, so that concurrent guesses
 * cannot bypass the limit.
 */
async function tryCode(
	{ users }: Store,
	userId: string,
	{ code, attempts = 0 }: EmailCode,
	digits: string,
	maxAttempts: number,
): Promise<Verdict> {
	const whereCode = { _id: userId, [`${CODE_FIELD}.code`]: code };
	const counted = await users.findOneAndUpdate(
		{ ...whereCode, [`${CODE_FIELD}.attempts`]: { $not: { $gte: maxAttempts } } },
		{ $inc: { [`${CODE_FIELD}.attempts`]: 1 } },
		{ returnDocument: 'after', projection: { [`${CODE_FIELD}.attempts`]: 1 }, silent: true },
	);
	// Nothing was counted: the limit is reached, or another call has just used the code.
	if (!counted) return attempts >= maxAttempts ? 'exhausted' : 'wrong';
	if (await isHashOf(digits, code)) {
		const { matchedCount } = await users.updateOne(whereCode, { $unset: { [CODE_FIELD]: 1 } }, { silent: true });
		return matchedCount > 0 ? 'right' : 'wrong';
	}
	const attemptsNow = (counted.services?.emailCode as EmailCode | undefined)?.attempts ?? 0;
	return attemptsNow >= maxAttempts ? 'exhausted' : 'wrong';
}

/**
 * Checks a mailed code, and invalidates it if it is right.
 * @param text the code as the user typed it, maybe with the dash that mails show
 */
export async function useEmailCode(
	store: Store,
	userId: string,
	stored: EmailCode | EmailCode[] | undefined,
	text: string,
	maxAttempts: number,
): Promise<Verdict> {
	const codes = validCodesOf(stored);
	const digits = text.replace(/\D/g, '');
	if (Array.isArray(stored)) return tryListedCodes(store, userId, codes, digits);
	return codes[0] ? tryCode(store, userId, codes[0], digits, maxAttempts) : 'wrong';
}
