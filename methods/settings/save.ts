/** `saveSetting`, `saveSettings`, `settings.bulk`: change settings (`test/contract/rocketchat-e2e.md` section 11). */
import { clientError } from '../../shared/errors.js';
import { Match, Nothing, shownAs } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { hasPermissionById, requirePermission } from '../model/permissions/permissions.js';
import { changeSettings } from '../model/settings/known.js';

export const saveSetting = method({
	name: 'saveSetting',
	audit: true,
	args: { _id: String, value: shownAs(Match.Any, Match.OneOf(String, Number, Boolean)) },
	...WRITE_DEFAULTS,
	rest: { verb: 'POST', path: 'settings/:_id' },
	summary: 'Changes a setting, with immediate effect; requires edit-privileged-setting',
	returns: Nothing,
	errors: ['error-unauthorized', 'error-invalid-setting', 'error-invalid-setting-value'],
	async run({ _id, value }, context) {
		await requirePermission(context, 'edit-privileged-setting');
		await changeSettings(context, [{ _id, value }]);
	},
});

/** More than there are known settings. */
const MAX_CHANGES = 100;

const Changes = Match.Where(
	(value): value is { _id: string; value: unknown }[] => {
		return (
			Match.test(value, [Match.ObjectIncluding({ _id: String, value: Match.Any })]) &&
			value.length > 0 &&
			value.length <= MAX_CHANGES
		);
	},
	'list of 1 to 100 {_id, value}',
	{
		type: 'array',
		minItems: 1,
		maxItems: MAX_CHANGES,
		items: { type: 'object', properties: { _id: { type: 'string' }, value: {} }, required: ['_id', 'value'] },
		examples: [[{ _id: 'E2E_Enable', value: true }]],
	},
);

/** One method with two names: Rocket.Chat's clients call `saveSettings` over DDP, and `settings.bulk` over REST. */
export const saveSettingsMethods = [
	{ name: 'saveSettings', path: 'settings' },
	{ name: 'settings.bulk', path: 'settings.bulk' },
].map(({ name, path }) =>
	method({
		name,
		audit: true,
		args: { settings: Changes },
		...WRITE_DEFAULTS,
		rest: { verb: 'POST', path, empty: true },
		summary: 'Changes several settings, or none if one is refused; requires edit-privileged-setting',
		returns: true,
		errors: ['error-action-not-allowed', 'error-invalid-setting', 'error-invalid-setting-value'],
		async run({ settings }, context) {
			if (!(await hasPermissionById(context.store, context.userId, 'edit-privileged-setting'))) {
				const settingIds = settings.map(({ _id }) => _id);
				throw clientError('editingSettingsNotAllowed', { settingIds });
			}
			await changeSettings(context, settings);
			return true;
		},
	}),
);
