/** `saveSetting`, `saveSettings`, `settings.bulk`: change settings (`test/contract/rocketchat-e2e.md` section 11). */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { WRITES } from '../limits.js';
import { mayUser, requirePermission } from '../model/permissions/permissions.js';
import { changeSettings } from '../model/settings/known.js';

export const saveSetting = method({
	name: 'saveSetting',
	args: { _id: String, value: Match.Any },
	rest: { verb: 'POST', path: 'settings/:_id' },
	limit: WRITES,
	summary: 'Changes a setting, in force at once; for those who may edit-privileged-setting',
	async run({ _id, value }, context) {
		await requirePermission(context, 'edit-privileged-setting');
		await changeSettings(context, [{ _id, value }]);
	},
});

/** Most settings that one call may change; there are fewer. */
const MAX_CHANGES = 100;

const Changes = Match.Where((value): value is { _id: string; value: unknown }[] => {
	return (
		Match.test(value, [Match.ObjectIncluding({ _id: String, value: Match.Any })]) &&
		value.length > 0 &&
		value.length <= MAX_CHANGES
	);
});

/** Several at once: over DDP by its name in Rocket.Chat's clients, over REST at two paths. */
export const saveSettingsMethods = [
	{ name: 'saveSettings', path: 'settings' },
	{ name: 'settings.bulk', path: 'settings.bulk' },
].map(({ name, path }) =>
	method({
		name,
		args: { settings: Changes },
		rest: { verb: 'POST', path, empty: true },
		limit: WRITES,
		summary: 'Changes several settings, or none of them; for those who may edit-privileged-setting',
		async run({ settings }, context) {
			if (!(await mayUser(context.store, context.userId, 'edit-privileged-setting'))) {
				const settingIds = settings.map(({ _id }) => _id);
				throw clientError('editingSettingsNotAllowed', { method: context.name, settingIds });
			}
			await changeSettings(context, settings);
			return true;
		},
	}),
);
