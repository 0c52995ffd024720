/** A user's bio and nickname, with Rocket.Chat's limits. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { UpdateFilter } from '../../../shared/store.js';
import { updateOf } from '../updateOf.js';

/** In characters. */
const MAX_BIO_LENGTH = 260;
const MAX_NICKNAME_LENGTH = 120;

export interface ProfileTexts {
	readonly bio?: string | undefined;
	readonly nickname?: string | undefined;
}

/** Refuses long texts. @throws ClientError `error-bio-size-exceeded` or `error-nickname-size-exceeded` */
export function requireProfileTexts({ bio = '', nickname = '' }: ProfileTexts): void {
	if (bio.trim().length > MAX_BIO_LENGTH) throw clientError('bioTooLong');
	if (nickname.trim().length > MAX_NICKNAME_LENGTH) throw clientError('nicknameTooLong');
}

/**
 * Builds an update of the texts that differ from the stored ones, and of `otherFields`. A blank text removes its field.
 * @returns null if nothing changes
 */
export function profileUpdate(
	user: ProfileTexts,
	texts: ProfileTexts,
	otherFields: Partial<User>,
): UpdateFilter<User> | null {
	const set: Record<string, unknown> = { ...otherFields };
	const removed: string[] = [];
	for (const field of ['bio', 'nickname'] as const) {
		const text = texts[field]?.trim();
		if (text === undefined || text === (user[field] ?? '')) continue;
		if (text === '') removed.push(field);
		else set[field] = text;
	}
	return updateOf(set, removed);
}

/** Error codes for names, e-mails, bios and nicknames that cannot be stored. */
export const PROFILE_ERRORS = [
	'error-the-field-is-required',
	'error-field-unavailable',
	'error-input-is-not-a-valid-field',
	'error-blocked-username',
	'error-invalid-email',
	'error-bio-size-exceeded',
	'error-nickname-size-exceeded',
] as const;

/** The names of the sent fields, for the audit event. `currentPassword` is left out. */
export function givenFields(data: object): string[] {
	return Object.entries(data).flatMap(([field, value]) =>
		value === undefined || field === 'currentPassword' ? [] : [field],
	);
}
