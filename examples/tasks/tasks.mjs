/** A list of tasks for each user: its collection, methods, publication, and a limit of its own. */
import { ClientError, collection, liveQuery, method, publication, Text } from 'roomkey';

const MAX_TASKS = 100;

export const tasks = collection('tasks', { indexes: [{ fields: ['owner'] }] });

export const addTask = method({
	name: 'tasks.add',
	summary: 'Adds a task',
	args: { text: Text({ min: 1, max: 200 }) },
	rest: 'POST',
	limit: { calls: 20, per: 60_000 },
	errors: ['tasks-full'],
	async run({ text }, { userId, collections, random }) {
		if ((await collections.tasks.countDocuments({ owner: userId })) >= MAX_TASKS) {
			throw new ClientError('tasks-full', `You have ${MAX_TASKS} tasks already`);
		}
		const _id = random.stream('/collection/tasks').id();
		await collections.tasks.insertOne({ _id, text, owner: userId, done: false, at: new Date() });
		return _id;
	},
});

export const setDone = method({
	name: 'tasks.setDone',
	summary: 'Marks a task of the caller as done or not done',
	args: { id: String, done: Boolean },
	errors: ['tasks-unknown'],
	async run({ id, done }, { userId, collections }) {
		const { matchedCount } = await collections.tasks.updateOne({ _id: id, owner: userId }, { $set: { done } });
		if (matchedCount === 0) throw new ClientError('tasks-unknown', 'There is no such task');
	},
});

export const removeDone = method({
	name: 'tasks.removeDone',
	summary: "Removes the caller's tasks that are done",
	args: {},
	async run(_args, { userId, collections }) {
		const { deletedCount } = await collections.tasks.deleteMany({ owner: userId, done: true });
		return deletedCount;
	},
});

export const myTasks = publication({
	name: 'tasks.mine',
	summary: "The caller's tasks",
	args: {},
	run: (_args, { userId }) => liveQuery(tasks, { owner: userId }, { text: 1, done: 1, at: 1 }),
});

/** Everything that a server needs of this file. */
export const parts = {
	collections: [tasks],
	methods: [addTask, setDone, removeDone],
	publications: [myTasks],
};
