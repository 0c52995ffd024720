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
	// Saves memory: the server does not record which tasks a client has. Tasks of two subscriptions are sent twice, and
	// none are removed from the client when a subscription stops.
	strategies: { tasks: 'NO_MERGE_NO_HISTORY' },
};
