import type { ServerOptions } from 'roomkey';

/** The ids of open connections. */
export const connectionIds: string[] = [];

export const options: ServerOptions = {
	// Beside the limits of definitions: 20 subscriptions of a connection in 10 seconds.
	limits: [{ matcher: { type: 'subscription', connectionId: () => true }, calls: 20, per: 10_000 }],
	limitMessage: ({ timeToReset }) => `Please wait ${timeToReset} ms`,
	onConnection: [
		(connection) => {
			connectionIds.push(connection.id);
			connection.onClose(() => void connectionIds.splice(connectionIds.indexOf(connection.id), 1));
		},
	],
	// The server does not record which tasks a client has. That saves memory, but tasks that two subscriptions publish are
	// sent twice, and a client keeps its tasks when a subscription stops.
	strategies: { tasks: 'NO_MERGE_NO_HISTORY' },
};
