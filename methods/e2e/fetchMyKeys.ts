/** `e2e.fetchMyKeys` (`test/contract/rocketchat-e2e.md` 4.2): the caller's own identity keys, for a new device. */
import type { User } from '../../shared/documents.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_READ_DEFAULTS } from '../methodDefaults.js';

export const fetchMyKeys = method({
	name: 'e2e.fetchMyKeys',
	args: {},
	...KEY_READ_DEFAULTS,
	summary:
		"Returns the caller's own identity keys, the private one encrypted by the client; {} for a caller without keys",
	returns: { public_key: Match.Optional(String), private_key: Match.Optional(String) },
	errors: [],
	async run(_args, { userId, store }): Promise<NonNullable<User['e2e']>> {
		const projection = { 'e2e.public_key': 1, 'e2e.private_key': 1 } as const;
		const user = await store.users.findOne({ _id: userId }, { projection });
		const { public_key, private_key } = user?.e2e ?? {};
		if (!public_key) return {};
		return private_key ? { public_key, private_key } : { public_key };
	},
});
