/** Passwords as Meteor sends and stores them (`test/contract/ddp.md` 16.1): bcrypt of the hex SHA-256. */
import { createHash } from 'node:crypto';
import { Match, NonEmptyString } from '../../../shared/match.js';

/** bcrypt's cost factor, as in Meteor. */
const COST = 10;

/**
 * The hash of a password that nobody knows. It replaces a missing hash, so that every refused login takes the same
 * time.
 */
const NOBODYS_HASH = '$2y$10$rOAEtFNByVWXI4Gro3pnSO7.2cgxICRqm0pPsGLXf6f8nmMiD.Mqq';

const isSha256 = (digest: unknown): digest is string => typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest);

const Digest = {
	digest: Match.Where(isSha256, '64 hex digits', { type: 'string', pattern: '^[0-9a-f]{64}$' }),
	algorithm: 'sha-256',
} as const;

/** A password as clients send it. */
export const Password = Match.OneOf(String, Digest);

/** A new password. Nobody could log in with an empty one. */
export const NewPassword = Match.OneOf(NonEmptyString, Digest);

export type Password = string | { digest: string; algorithm: 'sha-256' };

function digestOf(password: Password): string {
	return typeof password === 'string' ? createHash('sha256').update(password).digest('hex') : password.digest;
}

/** Computes the hash for `services.password.bcrypt`. Runs off the main thread. */
export async function hashPassword(password: Password): Promise<string> {
	const { hash } = await import('@node-rs/bcrypt');
	return hash(digestOf(password), COST);
}

/** Compares a password with the stored hash. Without a hash it takes the same time and returns false. */
export async function isRightPassword(password: Password, stored: string | undefined): Promise<boolean> {
	const matches = await isHashOf(digestOf(password), stored ?? NOBODYS_HASH);
	return matches && stored !== undefined;
}

/** Whether a text is the hex SHA-256, in upper or lower case, of the password whose hash is stored. */
export async function isPasswordDigest(text: string, stored: string | undefined): Promise<boolean> {
	const digest = text.toLowerCase();
	return isSha256(digest) && isRightPassword({ digest, algorithm: 'sha-256' }, stored);
}

/** Whether `hashed` is the bcrypt hash of a secret. Computed off the main thread. */
export async function isHashOf(secret: string, hashed: string): Promise<boolean> {
	const { verify } = await import('@node-rs/bcrypt');
	return verify(secret, hashed);
}
