/**
 * `roomkey/e2e`: the cryptography of a client, compatible with Rocket.Chat's clients (`docs/e2e.md`,
 * `test/contract/rocketchat-e2e.md` section 13). It needs WebCrypto.
 */
export type { Key } from './e2e/bytes.js';
export {
	type Content,
	decryptContent,
	decryptText,
	type EncryptedContent,
	encryptContent,
	encryptText,
} from './e2e/content.js';
export { E2EError, type E2EErrorCode } from './e2e/error.js';
export {
	decryptFile,
	type EncryptedFile,
	encryptFile,
	type FileEncryption,
	type FileInfo,
	fileMembers,
	uploadMetadata,
} from './e2e/file.js';
export { fingerprintOf, sameKey } from './e2e/fingerprint.js';
export { FORMATS, type Format, formatFor } from './e2e/formats.js';
export { type Identity, importPublicKey, makeIdentity, publicKeyOf } from './e2e/identity.js';
export { type KeyHistory, type KeyHistoryEntry, verifyKeyHistory } from './e2e/key-history.js';
export {
	decryptMessage,
	type EncryptedMessage,
	encryptMessage,
	type Message,
	type MessageOptions,
	mentionsIn,
} from './e2e/message.js';
export { checkPassphrase, generatePassphrase } from './e2e/passphrase.js';
export {
	importRoomKey,
	makeRoomKey,
	type OpenOptions,
	type OpenSealedOptions,
	openRoomKey,
	type RoomKey,
	sealedKeyId,
	sealRoomKey,
} from './e2e/room-key.js';
export {
	changePassphrase,
	type StoredKeys,
	type UnwrapOptions,
	unwrapIdentity,
	unwrapPrivateKey,
	upgradePrivateKey,
	type WrapOptions,
	wrapPrivateKey,
} from './e2e/wrapping.js';
