/** Settings over the wire (`test/contract/rocketchat-e2e.md` section 11), in the shapes of Rocket.Chat. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import { READS, WRITES } from '../limits.js';
import { Page, pageOf } from '../paging.js';
import { requirePermission } from '../permissions.js';
import { changeSetting, readSettings } from './known.js';

const saveSetting = method({
	name: 'saveSetting',
	args: { _id: String, value: Match.Any },
	rest: { verb: 'POST', path: 'settings/:_id' },
	limit: WRITES,
	summary: 'Changes a setting, in force at once; for those who may edit-privileged-setting',
	async run({ _id, value }, context) {
		await requirePermission(context, 'edit-privileged-setting');
		await changeSetting(context, _id, value);
	},
});

/** Rocket.Chat shows a single one to admins only; but all that are known here are public. */
const getSetting = method({
	name: 'settings.getOne',
	args: { _id: String },
	rest: { verb: 'GET', path: 'settings/:_id' },
	parallel: true,
	limit: READS,
	summary: 'Tells a setting',
	async run({ _id }, context) {
		const [setting] = await readSettings(context.store, [_id]);
		if (setting) return setting;
		await requirePermission(context, 'view-privileged-setting');
		throw clientError('noSuchSetting', { method: context.name });
	},
});

const publicSettings = method({
	name: 'settings.public',
	/** `_id`: some names, separated by commas. */
	args: { ...Page, _id: Match.Optional(String) },
	rest: 'GET',
	anonymous: true,
	parallel: true,
	summary: 'Tells the settings that clients must know',
	async run({ _id, ...page }, { store }) {
		const { count, offset } = pageOf(page);
		const all = await readSettings(store, _id?.split(','));
		const settings = all.slice(offset, offset + count);
		return { settings, count: settings.length, offset, total: all.length };
	},
});

const syncPublicSettings = method({
	name: 'public-settings/get',
	args: { updatedSince: Match.Maybe(Date) },
	anonymous: true,
	parallel: true,
	summary: 'Tells the settings that clients must know; with a date, {update, remove} since then',
	async run({ updatedSince }, { name, store }) {
		if (!updatedSince) return readSettings(store);
		if (Number.isNaN(updatedSince.getTime())) throw clientError('invalidSince', { method: name });
		return { update: await readSettings(store, undefined, updatedSince), remove: [] };
	},
});

export const settingMethods: readonly Method[] = [saveSetting, getSetting, publicSettings, syncPublicSettings];
