import type { CallContext } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { clientMembership } from '../model/memberships/clientMembership.js';
import { pagesOf } from '../model/pages.js';

const SUBSCRIPTIONS_CHANGED = '/subscriptions-changed';

/** `<uid>/subscriptions-changed`, `<uid>/rooms-changed`, `<uid>/userData`, `<uid>/e2ekeyRequest`: each user's own (10.2). */
export const notifyUser = stream({
	name: 'notify-user',
	summary: "What concerns a user: changes of their account, rooms and places, other members' requests for keys",
	mayRead: (eventName, { userId }) => userId !== null && eventName.startsWith(`${userId}/`),
	/** Keys that were offered before anybody listened would wait for ever (`test/contract/beyond.md` E7). */
	async *initial(eventName, { userId, store }) {
		if (userId === null || eventName !== userId + SUBSCRIPTIONS_CHANGED) return;
		yield* offers(userId, store);
	},
});

/** The user's places where a key is offered, each as an event that it has changed. */
async function* offers(userId: string, store: CallContext['store']): AsyncIterable<readonly unknown[]> {
	const offered = { 'u._id': userId, E2ESuggestedKey: { $exists: true } };
	for await (const page of pagesOf(store.subscriptions, offered, { size: 100 })) {
		for (const membership of page) yield ['updated', clientMembership(membership)];
	}
}
