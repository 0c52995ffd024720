/** `settings.public`, `public-settings/get` and others: read settings, with answers in Rocket.Chat's formats. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { DDP_READ_DEFAULTS, READ_DEFAULTS } from '../methodDefaults.js';
import { changesOf, PAGE_ANSWER, SettingAnswer } from '../model/answers.js';
import { Page, type PageArgs, pageAnswer, pageOfList } from '../model/paging.js';
import { hasPermissionById, requirePermission } from '../model/permissions/permissions.js';
import { readSettings } from '../model/settings/known.js';
import { parseSince } from '../model/since.js';

/** Every caller who is logged in may read the known settings. In Rocket.Chat only admins may. */
export const getSetting = method({
	name: 'settings.getOne',
	args: { _id: String },
	...READ_DEFAULTS,
	rest: { verb: 'GET', path: 'settings/:_id' },
	summary: 'Returns a setting',
	returns: SettingAnswer,
	errors: ['error-unauthorized', 'error-invalid-setting'],
	async run({ _id }, context) {
		const [setting] = await readSettings(context.store, [_id]);
		if (setting) return setting;
		await requirePermission(context, 'view-privileged-setting');
		throw clientError('noSuchSetting');
	},
});

async function listSettings(store: Store, args: PageArgs, ids?: readonly string[]) {
	return pageAnswer('settings', pageOfList(await readSettings(store, ids), args));
}

export const publicSettings = method({
	name: 'settings.public',
	/** `_id`: ids of settings, separated by commas. */
	args: { ...Page, _id: Match.Optional(String) },
	rest: 'GET',
	anonymous: true,
	parallel: true,
	summary: 'Lists the settings that Roomkey knows, in pages; without a login',
	returns: { settings: [SettingAnswer], ...PAGE_ANSWER },
	errors: [],
	run: ({ _id, ...page }, { store }) => listSettings(store, page, _id?.split(',')),
});

export const allSettings = method({
	name: 'settings.list',
	args: Page,
	...READ_DEFAULTS,
	rest: { verb: 'GET', path: 'settings' },
	summary: 'Lists the settings that Roomkey knows, in pages',
	returns: { settings: [SettingAnswer], ...PAGE_ANSWER },
	errors: [],
	run: (page, { store }) => listSettings(store, page),
});

async function settingsSince(store: Store, requested: Date | null | undefined) {
	const since = parseSince(requested);
	return since ? { update: await readSettings(store, undefined, since), remove: [] } : readSettings(store);
}

export const syncPublicSettings = method({
	name: 'public-settings/get',
	args: { updatedSince: Match.Maybe(Date) },
	anonymous: true,
	parallel: true,
	summary: 'Lists the settings that Roomkey knows; with a date, {update, remove} since then',
	returns: Match.OneOf([SettingAnswer], changesOf(SettingAnswer)),
	errors: ['error-updatedSince-param-invalid'],
	run: ({ updatedSince }, { store }) => settingsSince(store, updatedSince),
});

/** Callers without the permission receive an empty list, as in Rocket.Chat. */
export const syncPrivateSettings = method({
	name: 'private-settings/get',
	args: { updatedSince: Match.Maybe(Date) },
	anonymous: true,
	...DDP_READ_DEFAULTS,
	summary:
		'Lists the settings that Roomkey knows, for callers who may view or edit privileged ones; with a date, {update, remove} since then',
	returns: Match.OneOf([SettingAnswer], changesOf(SettingAnswer)),
	errors: ['error-updatedSince-param-invalid'],
	async run({ updatedSince }, { store, userId }) {
		for (const permission of ['view-privileged-setting', 'edit-privileged-setting']) {
			if (await hasPermissionById(store, userId, permission)) return settingsSince(store, updatedSince);
		}
		return [];
	},
});
