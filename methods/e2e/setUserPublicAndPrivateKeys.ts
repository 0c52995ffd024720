/**
 * `e2e.setUserPublicAndPrivateKeys` (`test/contract/rocketchat-e2e.md` 4.3, `test/contract/beyond.md` E4, E5): stores the
 * caller's identity keys.
 */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method, type Settings } from '../../shared/method.js';
import { LONG_WORK_MS, NEW_IDENTITY_KEYS } from '../limits.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { storeKeyPair } from '../model/keys/identityKeys.js';
import { isFitPublicKey } from '../model/keys/publicKey.js';
import { requireProof } from '../model/users/secondFactor.js';

/** Also matches absent, null and empty keys: `run` refuses them with `error-invalid-keys`. */
const Key = Match.Optional(Match.OneOf(String, null));

/** Maximum length of each key, in bytes: about ten times what clients send (`test/contract/rocketchat-e2e.md` 13). */
const MAX_LENGTH = { public: 8 * 1024, private: 32 * 1024 };

function hasValidLength(key: string | null | undefined, maxBytes: number): key is string {
	return !!key && Buffer.byteLength(key) <= maxBytes;
}

/**
 * Whether a text is accepted as a public key. Without the setting `strictKeys`, every format is allowed. Only the JSON
 * text of a string is refused: such a key was serialized twice.
 */
function isPublicKey(key: string, { strictKeys }: Settings): boolean {
	return strictKeys ? isFitPublicKey(key) : !isDoublySerialized(key);
}

function isDoublySerialized(key: string): boolean {
	try {
		return typeof JSON.parse(key) === 'string';
	} catch {
		return false;
	}
}

export const setUserPublicAndPrivateKeys = method({
	name: 'e2e.setUserPublicAndPrivateKeys',
	audit: true,
	args: {
		keys: {
			public_key: Key,
			private_key: Key,
			force: Match.Optional(Boolean),
			/** True: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11). */
			confirm: Match.Optional(Boolean),
		},
	},
	rest: { verb: 'POST', path: 'e2e.setUserPublicAndPrivateKeys', body: 'object' },
	limit: NEW_IDENTITY_KEYS,
	once: true,
	secondFactor: true,
	timeout: LONG_WORK_MS,
	summary: "Stores the caller's identity keys; with force it replaces the present ones",
	returns: Match.OneOf(undefined, LAST_KEY_HOLDER_ANSWER),
	errors: ['error-invalid-keys', 'error-keys-already-set', 'error-last-key-holder'],
	async run({ keys: { public_key, private_key, force, confirm } }, context) {
		const { userId, settings } = context;
		const lengthsValid =
			hasValidLength(public_key, MAX_LENGTH.public) && hasValidLength(private_key, MAX_LENGTH.private);
		if (!lengthsValid || !isPublicKey(public_key, settings)) throw clientError('invalidKeys');
		const prove = async () => (settings.identitySecondFactor ? requireProof(context) : null);
		const options = { force: force === true, confirm, prove };
		const hasRoomLostLastHolder = await storeKeyPair(context, userId, { public_key, private_key }, options);
		return hasRoomLostLastHolder ? { lastKeyHolder: true } : undefined;
	},
});
