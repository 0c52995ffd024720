import { Match } from '../../shared/match.js';
import type { CallContext } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { Action, MembershipAnswer, RoomAnswer } from '../model/answers.js';
import { clientMembership } from '../model/memberships/clientMembership.js';
import { membershipsOfUser } from '../model/memberships/roomsOfUser.js';

const SUBSCRIPTIONS_CHANGED = '/subscriptions-changed';

/** Events for one user (`test/contract/rocketchat-e2e.md` 10.2). */
export const notifyUser = stream({
	name: 'notify-user',
	summary: "Events of a user: changes of their account, rooms and memberships, and other members' requests for keys",
	events: [
		{
			name: '<uid>/subscriptions-changed',
			summary:
				'A membership of the user has changed. When a client subscribes, it first gets one event for each membership with a pending key offer',
			args: { action: Action, membership: MembershipAnswer },
		},
		{
			name: '<uid>/rooms-changed',
			summary: 'A room of the user has changed',
			args: { action: Action, room: RoomAnswer },
		},
		{
			name: '<uid>/userData',
			summary: 'The account of the user has changed: diff contains the profile, unset names the fields that are absent',
			args: {
				change: {
					type: Match.OneOf('updated', 'removed'),
					id: String,
					diff: Match.Optional(Object),
					unset: Match.Optional(Object),
				},
			},
		},
		{
			name: '<uid>/e2ekeyRequest',
			summary: 'Another member asks for the key of a room',
			args: { rid: String, keyId: String },
		},
		{
			name: '<uid>/e2eIdentityChanged',
			summary: "Another member of one of the user's encrypted rooms has new identity keys",
			args: { userId: String, change: Match.ObjectIncluding({ ts: Date, hash: String }) },
		},
		{
			name: '<uid>/e2eKeyStale',
			summary:
				'A former member still knows the key of a room; sent to its owners, or to all members if it has no owner',
			args: { rid: String, stale: { since: Date, reason: String } },
		},
		{
			name: '<uid>/force_logout',
			summary: 'All logins of the user end, as after a reset of their identity keys',
			args: {},
		},
	],
	mayRead: (eventName, { userId }) => userId !== null && eventName.startsWith(`${userId}/`),
	/**
	 * Sends the pending offers first, because a client would miss offers made before its subscription
	 * (`test/contract/beyond.md` E7).
	 */
	async *initial(eventName, { userId, store }) {
		if (userId === null || eventName !== userId + SUBSCRIPTIONS_CHANGED) return;
		yield* pendingOffers(userId, store);
	},
});

async function* pendingOffers(userId: string, store: CallContext['store']): AsyncIterable<readonly unknown[]> {
	const withOffer = { E2ESuggestedKey: { $exists: true } };
	for await (const page of membershipsOfUser(store, userId, withOffer, { size: 100 })) {
		for (const membership of page) yield ['updated', clientMembership(membership)];
	}
}
