/** Settings that an admin can change while the server runs (`test/contract/rocketchat-e2e.md` section 11). */
import type { Store } from '../../../shared/store.js';
import { cachedReads } from '../cachedReads.js';

/**
 * The settings that Roomkey uses. The defaults are Rocket.Chat's, except that `E2E_Enable` is on, because Roomkey is a
 * key service. A Rocket.Chat database always contains `E2E_Enable`.
 */
export const DEFAULTS = {
	E2E_Enable: true,
	E2E_Enabled_Default_DirectRooms: false,
	E2E_Enabled_Default_PrivateRooms: false,
	E2E_Force_Encryption_For_Private_Rooms: false,
	/** Days until a login token expires. */
	Accounts_LoginExpiration: 90,
} as const satisfies Record<string, boolean | number>;

export type SettingId = keyof typeof DEFAULTS;

type Value<I extends SettingId> = (typeof DEFAULTS)[I] extends boolean ? boolean : number;

const cachedValues = cachedReads(async (store, id) => {
	const document = await store.settings.findOne({ _id: id });
	const defaultValue = DEFAULTS[id as SettingId];
	return typeof document?.value === typeof defaultValue ? document?.value : defaultValue;
});

/** The present value of a setting; a change by another process takes effect within a second. */
export function workspaceSetting<I extends SettingId>(store: Store, id: I): Promise<Value<I>> {
	return cachedValues.get(store, id) as Promise<Value<I>>;
}

/** Must be called after a setting was written, so that the change takes effect immediately. @param id of any setting */
export function dropCachedSetting(store: Store, id: string): void {
	cachedValues.forget(store, id);
}
