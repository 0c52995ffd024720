/** How often one may try to become somebody (`test/contract/ddp.md` section 14). Wrong passwords are counted beside it. */
import type { RateRule } from '../../shared/limit.js';

/** What Meteor's default rule is about; of these there are the first two. */
const name = ['login', 'createUser', 'resetPassword', 'forgotPassword'];

export const accountLimits: readonly RateRule[] = [
	{
		id: 'accounts of a connection',
		matcher: { type: 'method', name, connectionId: (id) => id !== null },
		calls: 5,
		per: 10_000,
	},
	{
		// REST has no connections, and many people can share an address: ten times as much for each.
		id: 'accounts of an address',
		matcher: { type: 'method', name, connectionId: (id) => id === null, clientAddress: () => true },
		calls: 50,
		per: 10_000,
	},
];
