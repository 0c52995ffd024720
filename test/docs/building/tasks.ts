import { ClientError, collection, liveQuery, Match, method, publication, Text } from 'roomkey';

export interface Task {
	_id: string;
	text: string;
	owner: string;
	done?: boolean;
	note?: string;
}

// Gives the collection its type, in its definition and in `context.collections.tasks`.
declare module 'roomkey' {
	interface Collections {
		tasks: Task;
	}
}

export const tasks = collection('tasks', { indexes: [{ fields: ['owner'] }] });

export const TaskText = Text({ min: 1, max: 200 });

export const addTask = method({
	name: 'tasks.add',
	summary: 'Adds a task',
	args: { text: TaskText, note: Match.Optional(TaskText) },
	rest: 'POST',
	limit: { calls: 60, per: 60_000 },
	returns: String,
	errors: ['tasks-full'],
	async run({ text, note }, { userId, collections, random }) {
		if ((await collections.tasks.countDocuments({ owner: userId })) >= 100) {
			throw new ClientError('tasks-full', 'You have 100 tasks already');
		}
		const _id = random.stream('/collection/tasks').id();
		await collections.tasks.insertOne({ _id, text, note, owner: userId });
		return _id;
	},
});

export const finishTask = method({
	name: 'tasks.finish',
	summary: 'Marks a task of the caller as done',
	args: { id: String },
	errors: ['tasks-unknown'],
	async run({ id }, { userId, collections }) {
		const { matchedCount } = await collections.tasks.updateOne({ _id: id, owner: userId }, { $set: { done: true } });
		if (matchedCount === 0) throw new ClientError('tasks-unknown', 'There is no such task');
	},
});

export const myTasks = publication({
	name: 'tasks.mine',
	summary: "The caller's tasks",
	args: {},
	run: (_args, { userId }) => liveQuery(tasks, { owner: userId }, { text: 1, done: 1 }),
});
