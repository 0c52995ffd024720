/** Second factors for tests: as Rocket.Chat stores them, and the codes that users enter. */
import { createHash } from 'node:crypto';
import { hash } from '@node-rs/bcrypt';
import { Secret, TOTP } from 'otpauth';
import type { EmailCode, User } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';

type Services = NonNullable<User['services']>;

/** The secret of an authenticator app, from the test vectors of RFC 6238. */
export const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

/** A code of the app. @param steps how many time steps from now */
export function authenticatorCode(steps = 0, secret = SECRET): string {
	return TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: Date.now() + steps * 30_000 });
}

/** A code that the app shows neither now nor soon. */
export function wrongCode(): string {
	const right = [-2, -1, 0, 1, 2].map((steps) => authenticatorCode(steps));
	return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !right.includes(code)) as string;
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Codes that are valid without the app. */
export const BACKUP_CODES = ['AbCd1234', 'EfGh5678'] as const;

/** The `services` of a user with an app. */
export const WITH_AUTHENTICATOR: Services = {
	totp: { enabled: true, secret: SECRET, hashedBackup: BACKUP_CODES.map(sha256) },
};

/** A mailed code as it is stored. Its hash has few rounds, to save time. */
export async function mailedCode(code: string, fields: Partial<EmailCode> = {}): Promise<EmailCode> {
	return { code: await hash(code, 4), expire: new Date(Date.now() + 600_000), attempts: 0, ...fields };
}

/** The `services` of a user who receives codes by e-mail. @param code a code that was sent; undefined: none was */
export async function withMail(code?: string, fields: Partial<EmailCode> = {}): Promise<Services> {
	return { email2fa: { enabled: true }, ...(code !== undefined && { emailCode: await mailedCode(code, fields) }) };
}

/** Stores a setting of Rocket.Chat. Must come before the first call, because settings are cached. */
export async function storeFactorSetting(store: Store, name: string, value: boolean | number): Promise<void> {
	await store.settings.insertOne({ _id: `Accounts_TwoFactorAuthentication_${name}`, value });
}
