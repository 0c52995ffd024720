/** Changes settings of the workspace. Clients are not notified. */
import { dropCachedSetting, type SettingId } from '../../methods/model/settings/workspace.js';
import type { Store } from '../../shared/store.js';

/** Changes a setting with immediate effect. */
export async function set(store: Store, id: SettingId, value: boolean | number): Promise<void> {
	const { matchedCount } = await store.settings.updateOne({ _id: id }, { $set: { value } }, { silent: true });
	if (matchedCount === 0) await store.settings.insertOne({ _id: id, value }, { silent: true });
	dropCachedSetting(store, id);
}

/** Changes a setting while `run` runs, and then removes it. */
export async function during(
	store: Store,
	id: SettingId,
	value: boolean | number,
	run: () => Promise<unknown>,
): Promise<void> {
	await set(store, id, value);
	try {
		await run();
	} finally {
		await store.settings.deleteOne({ _id: id }, { silent: true });
		dropCachedSetting(store, id);
	}
}
