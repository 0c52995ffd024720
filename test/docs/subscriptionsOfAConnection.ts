import type { RateRule } from '../../shared/limit.js';

export const subscriptionsOfAConnection: RateRule = {
	id: 'subscriptions of a connection',
	matcher: { type: 'subscription', connectionId: (id) => id !== null },
	calls: 100,
	per: 10_000,
	message: ({ timeToReset }) => `Too many subscriptions: wait ${timeToReset} ms`,
};
