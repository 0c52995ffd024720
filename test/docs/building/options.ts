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
	// The server forgets what it has sent of these documents: less memory, but every change is sent whole.
	strategies: { tasks: 'NO_MERGE_NO_HISTORY' },
};
