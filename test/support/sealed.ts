/** Room keys as clients seal them, but for what is in them. */
import { randomBytes } from 'node:crypto';

/** A key with this key id, unlike any other. */
export function sealedKey(keyId: string): string {
	return keyId + randomBytes(256).toString('base64');
}
