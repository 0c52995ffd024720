/**
 * `e2e.keyHistory` (`test/contract/beyond.md` E15): every public key that a user has stored, so that other users can
 * notice a change.
 */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { KEY_SERVICE_READ } from '../kinds.js';
import { KeyHistoryAnswer, PAGE_ANSWER } from '../model/answers.js';
import { exists } from '../model/exists.js';
import { HISTORY_FIELDS, readHistory } from '../model/keys/identityHistory.js';
import { MEMBER } from '../model/memberships/members.js';
import { pagesOf } from '../model/pages.js';
import { Page, pageAnswer, pageOfList } from '../model/paging.js';
import { mayUser } from '../model/permissions/permissions.js';

async function shareRoom(store: Store, one: string, other: string): Promise<boolean> {
	const own = { 'u._id': one, ...MEMBER };
	for await (const page of pagesOf(store.subscriptions, own, { projection: { rid: 1 } })) {
		const common = { 'u._id': other, rid: { $in: page.map(({ rid }) => rid) }, ...MEMBER };
		if (await exists(store.subscriptions, common)) return true;
	}
	return false;
}

async function maySee(store: Store, userId: string, uid: string): Promise<boolean> {
	return userId === uid || (await shareRoom(store, userId, uid)) || mayUser(store, userId, 'edit-other-user-e2ee');
}

export const keyHistory = method({
	name: 'e2e.keyHistory',
	args: { uid: String, ...Page },
	...KEY_SERVICE_READ,
	// It adds a public key that Rocket.Chat has stored meanwhile, except to a store that refuses writes.
	writes: false,
	summary: 'Lists the public keys that a user with whom the caller shares a room has stored, the oldest first',
	returns: { history: [KeyHistoryAnswer], ...PAGE_ANSWER, dropped: Match.Optional(Number) },
	errors: [],
	async run({ uid, ...page }, { userId, store }) {
		// The error is the same for users who do not exist and users whom the caller may not see.
		const user = (await maySee(store, userId, uid))
			? await store.users.findOne({ _id: uid }, { projection: HISTORY_FIELDS })
			: null;
		if (!user) throw clientError('invalidUser');
		const { entries, dropped } = await readHistory(store, user);
		const answer = pageAnswer('history', pageOfList(entries, page));
		return dropped > 0 ? { ...answer, dropped } : answer;
	},
});
