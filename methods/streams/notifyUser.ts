import { stream } from '../../shared/stream.js';

/** `<uid>/subscriptions-changed`, `<uid>/rooms-changed`, `<uid>/e2ekeyRequest`: each user's own (10.2). */
export const notifyUser = stream({
	name: 'notify-user',
	summary: "What concerns a user: changes of their rooms and places, other members' requests for keys",
	mayRead: (eventName, { userId }) => userId !== null && eventName.startsWith(`${userId}/`),
});
