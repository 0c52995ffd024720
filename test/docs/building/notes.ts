import { Match, method } from 'roomkey';
import { TaskText } from './tasks.js';

export const setNote = method({
	name: 'tasks.setNote',
	summary: "Changes the note of the caller's task; without a note removes it",
	args: { id: String, note: Match.Optional(TaskText) },
	async run({ id, note }, { userId, collections }) {
		const change = note === undefined ? { $unset: { note: 1 } as const } : { $set: { note } };
		await collections.tasks.updateOne({ _id: id, owner: userId }, change);
	},
});
