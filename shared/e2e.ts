/**
 * `roomkey/e2e`: what a client of the key service does with keys, byte for byte as Rocket.Chat's clients do it
 * (`test/contract/rocketchat-e2e.md` section 13). Runs wherever there is WebCrypto, in Node and in browsers, and needs nothing
 * else. Nothing of the server uses it: the server never has a key in the clear.
 */
export type { Key } from './e2e/bytes.js';
export { E2EError, type E2EErrorCode } from './e2e/error.js';
export {
	type Format,
	type Identity,
	importPublicKey,
	makeIdentity,
	publicKeyOf,
	unwrapPrivateKey,
	wrapPrivateKey,
} from './e2e/identity.js';
export { importRoomKey, makeRoomKey, openRoomKey, type RoomKey, sealedKeyId, sealRoomKey } from './e2e/room-key.js';
export { decryptText, type EncryptedContent, encryptText } from './e2e/text.js';
