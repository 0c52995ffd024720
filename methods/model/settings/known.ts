/**
 * Every setting that clients can read and change: those that Roomkey uses, and those that it only stores for clients.
 */
import { clientError } from '../../../shared/errors.js';
import { isDuplicateKey, type Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { DEFAULTS, type SettingId, settingChanged } from './workspace.js';

export type SettingValue = boolean | number | string;

/** Stored for clients; Roomkey does not use them (`test/contract/rocketchat-e2e.md` section 11). */
const FOR_CLIENTS = {
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
 * All settings with their defaults. All of them are public. Other settings of a Rocket.Chat database, such as passwords
 * of mail servers, can be neither read nor changed here.
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
 * The present settings, by name.
 * @param ids only these; unknown ones are left out
 * @param since only those written after this time
 */
export async function readSettings(store: Store, ids?: readonly string[], since?: Date): Promise<ClientSetting[]> {
	const asked = [...KNOWN.keys()].filter((id) => !ids || ids.includes(id));
	const filter = { _id: { $in: asked }, ...(since && { _updatedAt: { $gt: since } }) };
	const stored = new Map<string, unknown>();
	for await (const { _id, value } of store.settings.find(filter, { projection: { value: 1 } })) stored.set(_id, value);
	const shown: ClientSetting[] = [];
	for (const _id of asked) {
		if (since && !stored.has(_id)) continue;
		const standard = KNOWN.get(_id) as SettingValue;
		const value = stored.get(_id);
		shown.push({ _id, value: typeof value === typeof standard ? (value as SettingValue) : standard });
	}
	return shown;
}

/** Writes a value if it differs from the stored one. */
async function put({ settings }: Store, _id: string, value: SettingValue): Promise<void> {
	const change = async () =>
		(await settings.updateOne({ _id, value: { $ne: value } }, { $set: { value } })).matchedCount > 0;
	if (await change()) return;
	const stored = await exists(settings, { _id });
	if (stored || KNOWN.get(_id) === value) return;
	try {
		await settings.insertOne({ _id, value });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		await change();
	}
}

/**
 * Refuses a value that a setting cannot have.
 * @throws ClientError `error-invalid-setting` for one that is not known, `error-invalid-setting-value`
 */
function requireValue(_id: string, value: unknown): asserts value is SettingValue {
	const standard = KNOWN.get(_id);
	if (standard === undefined) throw clientError('noSuchSetting', { _id });
	const fits = typeof standard === 'number' ? Number.isSafeInteger(value) : typeof value === typeof standard;
	if (!fits) throw clientError('invalidSettingValue', { expected: typeof standard, _id });
}

/**
 * Changes settings with immediate effect. Notifies all clients that subscribe to public settings. If one value is
 * refused, nothing is written.
 * @throws ClientError `error-invalid-setting` for one that is not known, `error-invalid-setting-value`
 */
export async function changeSettings(
	store: Store,
	changes: readonly { readonly _id: string; readonly value?: unknown }[],
): Promise<void> {
	for (const { _id, value } of changes) requireValue(_id, value);
	for (const { _id, value } of changes) {
		await put(store, _id, value as SettingValue);
		// Needed even if nothing was written: another process may have written the value, and the cached one may be older.
		settingChanged(store, _id as SettingId);
	}
}
