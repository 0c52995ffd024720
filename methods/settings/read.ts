/** `settings.public`, `public-settings/get` and the like: read settings, in the shapes of Rocket.Chat. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { READS } from '../limits.js';
import { Page, pageOf } from '../model/paging.js';
import { mayUser, requirePermission } from '../model/permissions/permissions.js';
import { readSettings } from '../model/settings/known.js';

/** Rocket.Chat shows a single one to admins only; but all that are known here are public. */
export const getSetting = method({
	name: 'settings.getOne',
	args: { _id: String },
	rest: { verb: 'GET', path: 'settings/:_id' },
	parallel: true,
	limit: READS,
	summary: 'Returns a setting',
	async run({ _id }, context) {
		const [setting] = await readSettings(context.store, [_id]);
		if (setting) return setting;
		await requirePermission(context, 'view-privileged-setting');
		throw clientError('noSuchSetting', { method: context.name });
	},
});

async function listSettings(store: Store, args: { count?: number; offset?: number }, ids?: readonly string[]) {
	const { count, offset } = pageOf(args);
	const all = await readSettings(store, ids);
	const settings = all.slice(offset, offset + count);
	return { settings, count: settings.length, offset, total: all.length };
}

export const publicSettings = method({
	name: 'settings.public',
	/** `_id`: some names, separated by commas. */
	args: { ...Page, _id: Match.Optional(String) },
	rest: 'GET',
	anonymous: true,
	parallel: true,
	summary: 'Lists the settings that clients must know',
	run: ({ _id, ...page }, { store }) => listSettings(store, page, _id?.split(',')),
});

export const allSettings = method({
	name: 'settings.list',
	args: Page,
	rest: { verb: 'GET', path: 'settings' },
	parallel: true,
	limit: READS,
	summary: 'Lists all settings that are known here, a page at a time',
	run: (page, { store }) => listSettings(store, page),
});

/** A list without a date; with one, what was written since. @throws ClientError `error-updatedSince-param-invalid` */
async function settingsSince(store: Store, since: Date | null | undefined, method: string) {
	if (!since) return readSettings(store);
	if (Number.isNaN(since.getTime())) throw clientError('invalidSince', { method });
	return { update: await readSettings(store, undefined, since), remove: [] };
}

export const syncPublicSettings = method({
	name: 'public-settings/get',
	args: { updatedSince: Match.Maybe(Date) },
	anonymous: true,
	parallel: true,
	summary: 'Lists the settings that clients must know; with a date, {update, remove} since then',
	run: ({ updatedSince }, { name, store }) => settingsSince(store, updatedSince, name),
});

/** Answered with an empty list to callers who may not read them, as in Rocket.Chat. */
export const syncPrivateSettings = method({
	name: 'private-settings/get',
	args: { updatedSince: Match.Maybe(Date) },
	anonymous: true,
	parallel: true,
	limit: READS,
	summary:
		'Lists the settings for those who may view or edit privileged ones; with a date, {update, remove} since then',
	async run({ updatedSince }, { name, store, userId }) {
		for (const permission of ['view-privileged-setting', 'edit-privileged-setting']) {
			if (await mayUser(store, userId, permission)) return settingsSince(store, updatedSince, name);
		}
		return [];
	},
});
