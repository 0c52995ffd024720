/** `e2e.setUserPublicAndPrivateKeys` (`test/contract/rocketchat-e2e.md` 4.3, `test/contract/beyond.md` E4, E5). */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method, type Settings } from '../../shared/method.js';
import { LONG_WORK_MS, NEW_IDENTITY_KEYS } from '../limits.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { storeKeyPair } from '../model/keys/identityKeys.js';
import { isFitPublicKey } from '../model/keys/publicKey.js';
import { requireFactorOrPassword } from '../model/users/secondFactor.js';

/** An absent key and null are refused like an empty one, with a separate error code instead of a match error. */
const Key = Match.Optional(Match.OneOf(String, null));

/** Longest keys, in bytes: about ten times the length of those from Rocket.Chat's clients (13). */
const MAX_LENGTH = { public: 8 * 1024, private: 32 * 1024 };

function fits(key: string | null | undefined, longest: number): key is string {
	return !!key && Buffer.byteLength(key) <= longest;
}

/**
 * Whether a text can be a public key. By default any text can, because clients use different formats, except the JSON
 * text of a string: such a key was serialized twice and is unusable. With `strictKeys` only a key that can be used for
 * sealing is accepted.
 */
function isPublicKey(key: string, { strictKeys }: Settings): boolean {
	return strictKeys ? isFitPublicKey(key) : !isTextOfText(key);
}

function isTextOfText(key: string): boolean {
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
			/** True: room keys that no other member holds may be lost (`test/contract/beyond.md` E11). */
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
		const fit = fits(public_key, MAX_LENGTH.public) && fits(private_key, MAX_LENGTH.private);
		if (!fit || !isPublicKey(public_key, settings)) throw clientError('invalidKeys');
		const prove = async () => (settings.identitySecondFactor ? requireFactorOrPassword(context) : null);
		const options = { force: force === true, confirm, prove };
		const lastKeyHolder = await storeKeyPair(context, userId, { public_key, private_key }, options);
		return lastKeyHolder ? { lastKeyHolder } : undefined;
	},
});
