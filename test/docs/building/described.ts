import { liveQuery, Match, method, publication, shownAs, stream } from 'roomkey';
import { TaskText, tasks } from './tasks.js';

export const doneTasks = publication({
	name: 'tasks.done',
	summary: "The caller's tasks that are done",
	args: {},
	documents: { tasks: { text: String, done: Boolean } },
	run: (_args, { userId }) => liveQuery(tasks, { owner: userId, done: true }, { text: 1, done: 1 }),
});

export const reminders = stream({
	name: 'reminders',
	summary: 'Reminders of tasks',
	events: [{ name: '<uid>/due', summary: 'A task is due', args: { taskId: String, text: TaskText } }],
	mayRead: (eventName, { userId }) => userId !== null && eventName === `${userId}/due`,
});

const Reminder = { taskId: String, text: TaskText };

export const remind = method({
	name: 'tasks.remind',
	summary: 'Reminds the owners of tasks; wrong reminders are skipped',
	args: { reminders: shownAs([Match.Any], [Reminder]) },
	rest: 'POST',
	audit: true,
	limit: { calls: 10, per: 60_000 },
	returns: Number,
	async run({ reminders }, { collections, events }) {
		let sent = 0;
		for (const reminder of reminders.slice(0, 100)) {
			if (!Match.test(reminder, Reminder)) continue;
			const { taskId, text } = reminder;
			const task = await collections.tasks.findOne({ _id: taskId });
			if (!task) continue;
			events.emit('notify', { stream: 'reminders', eventName: `${task.owner}/due`, args: [taskId, text] });
			sent++;
		}
		return sent;
	},
});
