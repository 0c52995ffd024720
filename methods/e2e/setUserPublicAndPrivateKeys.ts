/** `e2e.setUserPublicAndPrivateKeys` (`test/contract/rocketchat-e2e.md` 4.3, `test/contract/beyond.md` E4, E5). */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method, type Settings } from '../../shared/method.js';
import { storeKeyPair } from '../model/keys/identity.js';
import { isFitPublicKey } from '../model/keys/publicKey.js';
import { requireFactorOrPassword } from '../model/users/secondFactor.js';

/** One that is absent or null is refused as an empty one is: with a code that tells more. */
const Key = Match.Optional(Match.OneOf(String, null));

/** Longest keys, in bytes: some ten times what Rocket.Chat's clients make (13). */
const MAX_LENGTH = { public: 8 * 1024, private: 32 * 1024 };

function fits(key: string | null | undefined, longest: number): key is string {
	return !!key && Buffer.byteLength(key) <= longest;
}

/**
 * Whether it can be a public key. Any text can, for clients differ, but not the JSON text of a string: that is a key which
 * was turned into text twice, and others could do nothing with it. A strict server takes those alone that can be used.
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
	args: {
		keys: {
			public_key: Key,
			private_key: Key,
			force: Match.Optional(Boolean),
			/** True: the keys which nobody else holds may be lost (`test/contract/beyond.md` E11). */
			confirm: Match.Optional(Boolean),
		},
	},
	rest: { verb: 'POST', path: 'e2e.setUserPublicAndPrivateKeys', body: 'object' },
	limit: { calls: 20, per: 60_000 },
	once: true,
	secondFactor: true,
	// A new key changes every room of the user, and a database may be far away.
	timeout: 5 * 60_000,
	summary: "Stores the caller's identity keys; with force also over others",
	async run({ keys: { public_key, private_key, force, confirm } }, context) {
		const { name, userId, settings } = context;
		const fit = fits(public_key, MAX_LENGTH.public) && fits(private_key, MAX_LENGTH.private);
		if (!fit || !isPublicKey(public_key, settings)) throw clientError('invalidKeys', { method: name });
		const prove = async () => (settings.identitySecondFactor ? requireFactorOrPassword(context) : null);
		const options = { force: force === true, confirm, prove };
		const lastKeyHolder = await storeKeyPair(context, userId, { public_key, private_key }, options);
		return lastKeyHolder ? { lastKeyHolder } : undefined;
	},
});
