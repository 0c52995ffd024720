import type { CallContext } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { clientMembership } from '../model/memberships/clientMembership.js';
import { pagesOf } from '../model/pages.js';

const SUBSCRIPTIONS_CHANGED = '/subscriptions-changed';

/** `<uid>/subscriptions-changed`, `<uid>/rooms-changed`, `<uid>/userData`, `<uid>/e2ekeyRequest`: each user's own (10.2). */
export const notifyUser = stream({
	name: 'notify-user',
	summary: "Events of a user: changes of their account, rooms and memberships, and other members' requests for keys",
	mayRead: (eventName, { userId }) => userId !== null && eventName.startsWith(`${userId}/`),
	/** Otherwise offers made before the subscription would never be accepted (`test/contract/beyond.md` E7). */
	async *initial(eventName, { userId, store }) {
		if (userId === null || eventName !== userId + SUBSCRIPTIONS_CHANGED) return;
		yield* offers(userId, store);
	},
});

/** The user's memberships with an offer, each as a change event. */
async function* offers(userId: string, store: CallContext['store']): AsyncIterable<readonly unknown[]> {
	const offered = { 'u._id': userId, E2ESuggestedKey: { $exists: true } };
	for await (const page of pagesOf(store.subscriptions, offered, { size: 100 })) {
		for (const membership of page) yield ['updated', clientMembership(membership)];
	}
}
