/**
 * The caller's own `users` document (`test/contract/ddp.md` 16.4). Meteor's clients report a login as done only when
 * they have received this document.
 */
import { Match } from '../../shared/match.js';
import { liveQuery, publication } from '../../shared/publication.js';

/** The published fields, without secrets. All subscriptions share one constant, to save memory. */
const FIELDS = { username: 1, emails: 1, profile: 1 } as const;

const OwnUser = {
	_id: String,
	username: Match.Optional(String),
	emails: Match.Optional([Match.ObjectIncluding({ address: String, verified: Match.Optional(Boolean) })]),
	profile: Match.Optional(Object),
};

export const ownUser = publication({
	name: null,
	args: {},
	summary: "The caller's own user document",
	anonymous: true,
	documents: { users: OwnUser },
	run(_args, { userId }) {
		return userId !== null && liveQuery('users', { _id: userId }, FIELDS);
	},
});
