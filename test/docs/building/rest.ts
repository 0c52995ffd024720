import { ClientError, method } from 'roomkey';
import { TaskText } from './tasks.js';

export const readTask = method({
	name: 'tasks.read',
	summary: "The caller's task with this id",
	args: { id: String },
	rest: { verb: 'GET', path: '/tasks/:id' },
	async run({ id }, { userId, collections }) {
		const task = await collections.tasks.findOne({ _id: id, owner: userId });
		if (!task) throw new ClientError('tasks-unknown', 'There is no such task');
		return task;
	},
});

export const changeTask = method({
	name: 'tasks.change',
	summary: "Changes the caller's task",
	args: { id: String, text: TaskText },
	rest: { verb: 'PUT', path: '/tasks/:id' },
	async run({ id, text }, { userId, collections }) {
		const { matchedCount } = await collections.tasks.updateOne({ _id: id, owner: userId }, { $set: { text } });
		if (matchedCount === 0) throw new ClientError('tasks-unknown', 'There is no such task');
	},
});
