/**
 * Encryption of what idempotency stores: answers can contain secrets, and arguments can contain passwords. All keys are
 * derived from the idempotency key, which is not stored: a reader of the store must guess it. A random idempotency key,
 * such as a UUID, cannot be guessed. The idempotency key of a DDP call contains the random id of a session. No key is
 * derived from the caller's token: the server knows only its hash, which the store contains too.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { parse, stringify } from '../../shared/ejson.js';
import { BareError, ClientError, MatchError, MethodError, toClientError } from '../../shared/errors.js';
import { isObject } from '../../shared/isObject.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** An id and two keys that are derived from a secret. None of the three reveals another. */
export interface DerivedKeys {
	readonly id: string;
	readonly encryption: Buffer;
	readonly authentication: Buffer;
}

/**
 * Derives the keys of a secret.
 * @param purpose keys of the same secret for another purpose are different
 */
export function deriveKeys(secret: string, purpose: string): DerivedKeys {
	const bytes = Buffer.from(hkdfSync('sha256', secret, purpose, 'roomkey shared state', 3 * KEY_BYTES));
	return {
		id: bytes.subarray(0, KEY_BYTES).toString('base64'),
		encryption: bytes.subarray(KEY_BYTES, 2 * KEY_BYTES),
		authentication: bytes.subarray(2 * KEY_BYTES),
	};
}

/** A keyed hash: equal texts have equal hashes, and a guessed text cannot be verified without the key. */
export function keyedHash({ authentication }: DerivedKeys, text: string): string {
	return createHmac('sha256', authentication).update(text).digest('base64');
}

/** Encrypts a text with AES-256-GCM. */
export function seal({ encryption }: DerivedKeys, text: string): string {
	const nonce = randomBytes(NONCE_BYTES);
	const cipher = createCipheriv('aes-256-gcm', encryption, nonce);
	const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
	return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64');
}

/** Decrypts a text from `seal`. @throws Error if it was changed, or sealed with other keys */
export function unseal({ encryption }: DerivedKeys, sealed: string): string {
	const bytes = Buffer.from(sealed, 'base64');
	const decipher = createDecipheriv('aes-256-gcm', encryption, bytes.subarray(0, NONCE_BYTES), {
		authTagLength: TAG_BYTES,
	});
	decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
	return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
}

export type Outcome = { readonly value: unknown } | { readonly thrown: unknown };

/** An outcome as EJSON text. @throws Error for a value that cannot be encoded as EJSON */
export function encodeOutcome(outcome: Outcome): string {
	return stringify('thrown' in outcome ? { thrown: fieldsOf(outcome.thrown) } : outcome) as string;
}

function fieldsOf(thrown: unknown): object {
	if (thrown instanceof MatchError) return { kind: 'match', text: thrown.message, path: thrown.path };
	const { error, reason, details } = toClientError(thrown);
	const fields = { error, reason, details };
	if (thrown instanceof BareError) return { kind: 'bare', ...fields, status: thrown.status };
	return { kind: thrown instanceof MethodError ? 'method' : 'client', ...fields };
}

/** Decodes a text from `encodeOutcome`. @throws Error for any other text */
export function decodeOutcome(text: string): Outcome {
	const outcome = parse(text);
	if (!isObject(outcome)) throw new TypeError('not an outcome');
	return 'thrown' in outcome ? { thrown: errorOf(outcome.thrown) } : { value: outcome.value };
}

function errorOf(fields: unknown): Error {
	if (!isObject(fields)) throw new TypeError('not an error');
	const { kind, error, reason, details, status, text: message, path } = fields;
	if (kind === 'match') {
		const thrown = new MatchError('', String(path));
		// The constructor would put its prefix before the message again.
		thrown.message = String(message);
		return thrown;
	}
	if (typeof error !== 'string' && typeof error !== 'number') throw new TypeError('not the code of an error');
	const reasonText = typeof reason === 'string' ? reason : undefined;
	if (kind === 'bare')
		return new BareError(error, reasonText, details, typeof status === 'number' ? status : undefined);
	return kind === 'method' ? new MethodError(error, reasonText, details) : new ClientError(error, reasonText, details);
}
