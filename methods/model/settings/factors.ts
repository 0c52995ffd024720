/**
 * The settings of a Rocket.Chat database about second factors. Roomkey only reads them: Rocket.Chat asks for a second
 * factor before it changes them.
 */
import type { Store } from '../../../shared/store.js';
import { cachedReads } from '../cachedReads.js';

const PREFIX = 'Accounts_TwoFactorAuthentication_';

export interface FactorSettings {
	/** Whether second factors are enabled. */
	readonly enabled: boolean;
	readonly byTotp: boolean;
	readonly byEmail: boolean;
	/** How many time steps of half a minute the clock of an authenticator app may be off. */
	readonly maxDelta: number;
	/** Number of wrong codes after which a mailed code becomes invalid. */
	readonly maxEmailAttempts: number;
	/**
	 * Whether users without a second factor must prove the password instead. Undefined if the database does not specify
	 * it: then no proof is required.
	 */
	readonly passwordFallback: boolean | undefined;
}

/** A larger value would make guessing easy and checking slow. */
const MAX_DELTA = 20;

const NAMES = {
	enabled: 'Enabled',
	byTotp: 'By_TOTP_Enabled',
	byEmail: 'By_Email_Enabled',
	maxDelta: 'MaxDelta',
	maxEmailAttempts: 'Max_Invalid_Email_Code_Attempts',
	passwordFallback: 'Enforce_Password_Fallback',
} as const satisfies Record<keyof FactorSettings, string>;

async function read({ settings }: Store): Promise<FactorSettings> {
	const ids = Object.values(NAMES).map((name) => PREFIX + name);
	const stored = new Map<string, unknown>();
	for await (const { _id, value } of settings.find({ _id: { $in: ids } }, { projection: { value: 1 } })) {
		stored.set(_id.slice(PREFIX.length), value);
	}
	const truth = <T>(name: string, otherwise: T) => {
		const value = stored.get(name);
		return typeof value === 'boolean' ? value : otherwise;
	};
	const count = (name: string, otherwise: number) => {
		const value = stored.get(name);
		return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : otherwise;
	};
	return {
		enabled: truth(NAMES.enabled, true),
		byTotp: truth(NAMES.byTotp, true),
		byEmail: truth(NAMES.byEmail, true),
		maxDelta: Math.min(count(NAMES.maxDelta, 1), MAX_DELTA),
		maxEmailAttempts: count(NAMES.maxEmailAttempts, 5),
		passwordFallback: truth(NAMES.passwordFallback, undefined),
	};
}

const memory = cachedReads(read);

/** The settings as they are now; a change is seen within a second. */
export function factorSettings(store: Store): Promise<FactorSettings> {
	return memory.get(store, PREFIX);
}
