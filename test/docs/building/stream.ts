import { method, requirePermission, stream } from 'roomkey';
import { TaskText } from './tasks.js';

export const announcements = stream({
	name: 'announcements',
	summary: 'What editors announce to everybody who is logged in',
	mayRead: (eventName, { userId }) => eventName === 'all' && userId !== null,
});

export const announce = method({
	name: 'announcements.send',
	summary: 'Announces a text to everybody who is logged in',
	args: { text: TaskText },
	async run({ text }, context) {
		await requirePermission(context, 'tasks.removeAny');
		context.events.emit('notify', { stream: 'announcements', eventName: 'all', args: [text] });
	},
});
