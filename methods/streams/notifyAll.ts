import { stream } from '../../shared/stream.js';

/** `public-settings-changed`, with `[action, setting]`: for everyone, logged in or not (10.2). */
export const notifyAll = stream({
	name: 'notify-all',
	summary: 'Events for all clients: changes of public settings',
	mayRead: () => true,
});
