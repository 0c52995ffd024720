import { WRITES } from '../../methods/limits.js';
import { requirePermission } from '../../methods/model/permissions/permissions.js';
import { NonEmptyString } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';

export const announcements = stream({
	name: 'announcements',
	summary: 'What admins announce to everybody who is logged in',
	mayRead: (eventName, { userId }) => eventName === 'all' && userId !== null,
});

export const announce = method({
	name: 'announcements.send',
	summary: 'Announces a text to everybody who is logged in',
	args: { text: NonEmptyString },
	rest: 'POST',
	limit: WRITES,
	async run({ text }, context) {
		await requirePermission(context, 'edit-privileged-setting');
		context.events.emit('notify', { stream: 'announcements', eventName: 'all', args: [text] });
	},
});
