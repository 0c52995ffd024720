/** A user's bio and nickname, with Rocket.Chat's limits. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { UpdateFilter } from '../../../shared/store.js';

/** In characters. */
const MAX_BIO_LENGTH = 260;
const MAX_NICKNAME_LENGTH = 120;

export interface ProfileTexts {
	readonly bio?: string | undefined;
	readonly nickname?: string | undefined;
}

/** @throws ClientError `error-bio-size-exceeded`, `error-nickname-size-exceeded` */
export function requireProfileTexts({ bio = '', nickname = '' }: ProfileTexts, methodName: string): void {
	if (bio.trim().length > MAX_BIO_LENGTH) throw clientError('bioTooLong', { method: methodName });
	if (nickname.trim().length > MAX_NICKNAME_LENGTH) throw clientError('nicknameTooLong', { method: methodName });
}

/**
 * Builds an update of the given texts that differ from the stored ones, and of other fields. A text of spaces alone
 * removes the field.
 * @returns null if nothing changes
 */
export function profileUpdate(
	user: ProfileTexts,
	given: ProfileTexts,
	others: Partial<User>,
): UpdateFilter<User> | null {
	const set: Record<string, unknown> = { ...others };
	const unset: Record<string, 1> = {};
	for (const field of ['bio', 'nickname'] as const) {
		const text = given[field]?.trim();
		if (text === undefined || text === (user[field] ?? '')) continue;
		if (text === '') unset[field] = 1;
		else set[field] = text;
	}
	const sets = Object.keys(set).length > 0;
	const unsets = Object.keys(unset).length > 0;
	if (!sets && !unsets) return null;
	return { ...(sets && { $set: set }), ...(unsets && { $unset: unset }) };
}

/** Codes of the errors for names, e-mails, bios and nicknames that cannot be stored. */
export const PROFILE_ERRORS = [
	'error-the-field-is-required',
	'error-field-unavailable',
	'error-input-is-not-a-valid-field',
	'error-blocked-username',
	'error-invalid-email',
	'error-bio-size-exceeded',
	'error-nickname-size-exceeded',
] as const;
