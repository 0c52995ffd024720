/** `e2e.keyHistory` (`test/contract/beyond.md` E15): every public key somebody ever stored, so that a change cannot go unseen. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { HISTORY, wholeHistory } from '../model/keys/history.js';
import { ownPlaces } from '../model/keys/ownMemberships.js';
import { MEMBER } from '../model/memberships/members.js';
import { Page, pageOf } from '../model/paging.js';
import { mayUser } from '../model/permissions/permissions.js';

async function shareRoom(store: Store, one: string, other: string): Promise<boolean> {
	for await (const page of ownPlaces(store, one, MEMBER)) {
		const common = { 'u._id': other, rid: { $in: page.map(({ rid }) => rid) }, ...MEMBER };
		if (await store.subscriptions.findOne(common, { projection: { _id: 1 } })) return true;
	}
	return false;
}

async function maySee(store: Store, userId: string, uid: string): Promise<boolean> {
	return userId === uid || (await shareRoom(store, userId, uid)) || mayUser(store, userId, 'edit-other-user-e2ee');
}

export const keyHistory = method({
	name: 'e2e.keyHistory',
	args: { uid: String, ...Page },
	rest: 'GET',
	limit: { calls: 600, per: 60_000 },
	parallel: true,
	summary: 'Lists the public keys that a user with whom the caller shares a room has stored, the oldest first',
	async run({ uid, ...page }, { name, userId, store }) {
		// One answer for those who are not there and those who are none of the caller's business.
		const user = (await maySee(store, userId, uid))
			? await store.users.findOne({ _id: uid }, { projection: HISTORY })
			: null;
		if (!user) throw clientError('invalidUser', { method: name });
		const { entries, dropped } = await wholeHistory(store, user);
		const { count, offset } = pageOf(page);
		const history = entries.slice(offset, offset + count);
		const answer = { history, count: history.length, offset, total: entries.length };
		return dropped > 0 ? { ...answer, dropped } : answer;
	},
});
