/** `e2e.keyHistory` (`test/contract/beyond.md` E15): the public keys that a user has stored. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { KEY_READ_DEFAULTS } from '../methodDefaults.js';
import { KeyHistoryEntryAnswer, PAGE_ANSWER } from '../model/answers.js';
import { exists } from '../model/exists.js';
import { HISTORY_FIELDS, readHistory } from '../model/keys/identityHistory.js';
import { MEMBER } from '../model/memberships/members.js';
import { membershipsOfUser } from '../model/memberships/roomsOfUser.js';
import { Page, pageAnswer, pageOfList } from '../model/paging.js';
import { hasPermissionById } from '../model/permissions/permissions.js';

async function haveSharedRoom(store: Store, userId: string, otherId: string): Promise<boolean> {
	for await (const page of membershipsOfUser(store, userId, MEMBER, { projection: { rid: 1 } })) {
		const sharedMembership = { 'u._id': otherId, rid: { $in: page.map(({ rid }) => rid) }, ...MEMBER };
		if (await exists(store.subscriptions, sharedMembership)) return true;
	}
	return false;
}

async function mayRead(store: Store, callerId: string, uid: string): Promise<boolean> {
	return (
		callerId === uid ||
		(await haveSharedRoom(store, callerId, uid)) ||
		hasPermissionById(store, callerId, 'edit-other-user-e2ee')
	);
}

export const keyHistory = method({
	name: 'e2e.keyHistory',
	args: { uid: String, ...Page },
	...KEY_READ_DEFAULTS,
	// The method may add a public key that Rocket.Chat has stored. A read-only server adds none, and allows the method.
	writes: false,
	summary:
		'Lists the public keys that a user has stored, the oldest first; other users need a shared room or edit-other-user-e2ee',
	returns: { history: [KeyHistoryEntryAnswer], ...PAGE_ANSWER, dropped: Match.Optional(Number) },
	errors: [],
	async run({ uid, ...page }, { userId, store }) {
		// The same error for an unknown user and for a history that the caller may not read.
		const user = (await mayRead(store, userId, uid))
			? await store.users.findOne({ _id: uid }, { projection: HISTORY_FIELDS })
			: null;
		if (!user) throw clientError('invalidUser');
		const { entries, dropped } = await readHistory(store, user);
		// Without a count, the answer has all entries from the offset on, because clients check the whole chain.
		// `identityHistory.ts` limits their number.
		const { count, offset = 0 } = page;
		const list = count ? pageOfList(entries, page) : { entries: entries.slice(offset), offset, total: entries.length };
		const answer = pageAnswer('history', list);
		return dropped > 0 ? { ...answer, dropped } : answer;
	},
});
