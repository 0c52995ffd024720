import { hasPermission, Match, method, requirePermission } from 'roomkey';

export const permissions = { 'tasks.removeAny': ['admin', 'editor'] };

export const removeTask = method({
	name: 'tasks.remove',
	summary: "Removes the caller's task; editors remove any",
	args: { id: String },
	async run({ id }, context) {
		const isEditor = await hasPermission(context, 'tasks.removeAny');
		await context.collections.tasks.deleteOne(isEditor ? { _id: id } : { _id: id, owner: context.userId });
	},
});

export const removeAll = method({
	name: 'tasks.removeAll',
	summary: 'Removes all tasks, or those of one user',
	args: { owner: Match.Optional(String) },
	async run({ owner }, context) {
		await requirePermission(context, 'tasks.removeAny');
		const { deletedCount } = await context.collections.tasks.deleteMany(owner ? { owner } : {});
		return deletedCount;
	},
});
