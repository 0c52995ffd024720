/** The settings of a Rocket.Chat database about second factors, which Roomkey only reads. */
import type { Store } from '../../../shared/store.js';
import { cachedReads } from '../cachedReads.js';

const PREFIX = 'Accounts_TwoFactorAuthentication_';

export interface FactorSettings {
	readonly enabled: boolean;
	/** Whether codes of authenticator apps are accepted. */
	readonly byTotp: boolean;
	readonly byEmail: boolean;
	/** How far the clock of an authenticator app may be off, in time steps of 30 seconds. */
	readonly maxDelta: number;
	/** Number of wrong codes after which a mailed code becomes invalid. */
	readonly maxEmailAttempts: number;
	/**
	 * Whether users without a second factor must prove the password instead. Undefined if not stored. Then, as with false,
	 * no proof is required. But only a stored false forbids users to reset the identity keys of others
	 * (`resetIdentity.ts`).
	 */
	readonly passwordFallback: boolean | undefined;
}

/** Maximum of `maxDelta`: a larger value would make guessing easy and checking slow. */
const MAX_DELTA = 20;

const NAMES = {
	enabled: 'Enabled',
	byTotp: 'By_TOTP_Enabled',
	byEmail: 'By_Email_Enabled',
	maxDelta: 'MaxDelta',
	maxEmailAttempts: 'Max_Invalid_Email_Code_Attempts',
	passwordFallback: 'Enforce_Password_Fallback',
} as const satisfies Record<keyof FactorSettings, string>;

/** Missing or invalid settings get Rocket.Chat's defaults, except `passwordFallback`. */
async function readFactorSettings({ settings }: Store): Promise<FactorSettings> {
	const ids = Object.values(NAMES).map((name) => PREFIX + name);
	const stored = new Map<string, unknown>();
	for await (const { _id, value } of settings.find({ _id: { $in: ids } }, { projection: { value: 1 } })) {
		stored.set(_id.slice(PREFIX.length), value);
	}
	const booleanOr = <T>(name: string, fallback: T) => {
		const value = stored.get(name);
		return typeof value === 'boolean' ? value : fallback;
	};
	const countOr = (name: string, fallback: number) => {
		const value = stored.get(name);
		return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : fallback;
	};
	return {
		enabled: booleanOr(NAMES.enabled, true),
		byTotp: booleanOr(NAMES.byTotp, true),
		byEmail: booleanOr(NAMES.byEmail, true),
		maxDelta: Math.min(countOr(NAMES.maxDelta, 1), MAX_DELTA),
		maxEmailAttempts: countOr(NAMES.maxEmailAttempts, 5),
		passwordFallback: booleanOr(NAMES.passwordFallback, undefined),
	};
}

/** All these settings are cached together, under the key `PREFIX`. */
const cachedFactorSettings = cachedReads(readFactorSettings);

/** The present settings; a change by a Rocket.Chat server takes effect within a second. */
export function factorSettings(store: Store): Promise<FactorSettings> {
	return cachedFactorSettings.get(store, PREFIX);
}
