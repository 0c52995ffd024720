/** Codes of authenticator apps (TOTP), and backup codes, as Rocket.Chat stores them. Each code can be used once. */
import { createHash } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { TotpService } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';

/** Time step, in seconds. */
const PERIOD = 30;

/** In characters. Codes of an authenticator app have six digits. */
const BACKUP_LENGTH = 8;

/** Decodes the secret; null if it is invalid or empty. Everybody could compute the codes of an empty one. */
function secretOf(base32: string): Secret | null {
	try {
		const secret = Secret.fromBase32(base32);
		return secret.bytes.length > 0 ? secret : null;
	} catch {
		return null;
	}
}

/**
 * Finds the time step of a code: the number of periods of 30 seconds since 1970.
 * @param maxDelta how many steps before and after the present one are tried
 * @param now in epoch ms
 * @returns null if the code matches no step, or the secret is invalid
 */
export function stepOf(base32: string, code: string, maxDelta: number, now = Date.now()): number | null {
	const secret = secretOf(base32);
	if (!secret) return null;
	const delta = TOTP.validate({ secret, token: code, period: PERIOD, window: maxDelta, timestamp: now });
	return delta === null ? null : TOTP.counter({ period: PERIOD, timestamp: now }) + delta;
}

/** One conditional write checks and removes the code, so it works only once, even across processes. */
async function useBackupCode({ users }: Store, userId: string, code: string): Promise<boolean> {
	const hashed = createHash('sha256').update(code).digest('hex');
	const { matchedCount } = await users.updateOne(
		{ _id: userId, 'services.totp.enabled': true, 'services.totp.hashedBackup': hashed },
		{ $pull: { 'services.totp.hashedBackup': hashed } },
		{ silent: true },
	);
	return matchedCount > 0;
}

/**
 * Checks a code of an app or a backup code. A right code works only once. One of an app also invalidates the codes of
 * earlier time steps.
 */
export async function useTotpCode(
	store: Store,
	userId: string,
	{ secret }: TotpService,
	code: string,
	maxDelta: number,
): Promise<boolean> {
	if (code.length === BACKUP_LENGTH) return useBackupCode(store, userId, code);
	const step = secret === undefined ? null : stepOf(secret, code, maxDelta);
	if (step === null) return false;
	const { matchedCount } = await store.users.updateOne(
		{
			_id: userId,
			'services.totp.enabled': true,
			'services.totp.secret': secret as string,
			'services.totp.usedStep': { $not: { $gte: step } },
		},
		{ $set: { 'services.totp.usedStep': step } },
		{ silent: true },
	);
	return matchedCount > 0;
}
