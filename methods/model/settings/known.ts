/** The known settings: those that Roomkey uses, and those that it only stores for clients. */

import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { insertIfAbsent } from '../insertIfAbsent.js';
import { DEFAULTS, dropCachedSetting } from './workspace.js';

export type SettingValue = boolean | number | string;

/** Stored for clients; Roomkey does not use them (`test/contract/rocketchat-e2e.md` section 11). */
const FOR_CLIENTS = {
	E2E_Allow_Unencrypted_Messages: false,
	E2E_Enable_Encrypt_Files: true,
	E2E_Enabled_Mentions: true,
	E2E_Passphrase_Policy_Enabled: false,
	E2E_Passphrase_Policy_MinLength: 7,
	E2E_Passphrase_Policy_MaxLength: -1,
	E2E_Passphrase_Policy_ForbidRepeatingCharacters: true,
	E2E_Passphrase_Policy_ForbidRepeatingCharactersCount: 3,
	E2E_Passphrase_Policy_AtLeastOneLowercase: true,
	E2E_Passphrase_Policy_AtLeastOneUppercase: true,
	E2E_Passphrase_Policy_AtLeastOneNumber: true,
	E2E_Passphrase_Policy_AtLeastOneSpecialCharacter: true,
} as const satisfies Record<string, SettingValue>;

/**
 * The defaults of the known settings, which every client may read. Other settings of a Rocket.Chat database, such as
 * mail passwords, can be neither read nor changed.
 */
const KNOWN: ReadonlyMap<string, SettingValue> = new Map<string, SettingValue>(
	Object.entries({ ...DEFAULTS, ...FOR_CLIENTS }).sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** Whether clients may see a setting. */
export const isKnownSetting = (id: string): boolean => KNOWN.has(id);

export interface ClientSetting {
	_id: string;
	value: SettingValue;
}

/**
 * The present values of known settings, sorted by id.
 * @param ids reads only these settings; unknown ids are ignored
 * @param since reads only settings that were written after this time
 */
export async function readSettings(store: Store, ids?: readonly string[], since?: Date): Promise<ClientSetting[]> {
	const wantedIds = [...KNOWN.keys()].filter((id) => !ids || ids.includes(id));
	const filter = { _id: { $in: wantedIds }, ...(since && { _updatedAt: { $gt: since } }) };
	const stored = new Map<string, unknown>();
	for await (const { _id, value } of store.settings.find(filter, { projection: { value: 1 } })) stored.set(_id, value);
	const values: ClientSetting[] = [];
	for (const _id of wantedIds) {
		if (since && !stored.has(_id)) continue;
		const defaultValue = KNOWN.get(_id) as SettingValue;
		const value = stored.get(_id);
		const hasValidType = typeof value === typeof defaultValue;
		values.push({ _id, value: hasValidType ? (value as SettingValue) : defaultValue });
	}
	return values;
}

/** Writes a value that differs from the stored one, or from the default if nothing is stored. */
async function writeIfChanged({ settings }: Store, _id: string, value: SettingValue): Promise<void> {
	const updateIfDifferent = async () => {
		const { matchedCount } = await settings.updateOne({ _id, value: { $ne: value } }, { $set: { value } });
		return matchedCount > 0;
	};
	if (await updateIfDifferent()) return;
	const isStored = await exists(settings, { _id });
	if (isStored || KNOWN.get(_id) === value) return;
	const inserted = await insertIfAbsent(settings, { _id, value });
	if (!inserted) await updateIfDifferent();
}

/**
 * @throws ClientError `error-invalid-setting` for an unknown setting; `error-invalid-setting-value` for a value of a
 * wrong type, and for a number that is no safe integer
 */
function requireValidValue(_id: string, value: unknown): asserts value is SettingValue {
	const defaultValue = KNOWN.get(_id);
	if (defaultValue === undefined) throw clientError('noSuchSetting', { _id });
	const isValid = typeof defaultValue === 'number' ? Number.isSafeInteger(value) : typeof value === typeof defaultValue;
	if (!isValid) throw clientError('invalidSettingValue', { expected: typeof defaultValue, _id });
}

/**
 * Changes settings with immediate effect, or none if one value is refused.
 * @throws ClientError as `requireValidValue`
 */
export async function changeSettings(
	context: Pick<MethodContext, 'store' | 'audit'>,
	changes: readonly { readonly _id: string; readonly value?: unknown }[],
): Promise<void> {
	const { store } = context;
	const known = changes.filter(({ _id }) => isKnownSetting(_id));
	context.audit({ settingIds: [...new Set(known.map(({ _id }) => _id))] });
	for (const { _id, value } of changes) requireValidValue(_id, value);
	for (const { _id, value } of changes) {
		await writeIfChanged(store, _id, value as SettingValue);
		// Needed even if nothing was written: another process may have written the value since this one cached it.
		dropCachedSetting(store, _id);
	}
}
