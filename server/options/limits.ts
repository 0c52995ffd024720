/** The setting for limits of methods: `e2e.setRoomKeyID=5/60s`. */
import { isObject } from '../../shared/isObject.js';
import { isLimit, type Limit } from '../../shared/limit.js';
import type { Option } from './optionKinds.js';

/** Limits by method name; null removes the limit of a method. */
export type MethodLimits = Readonly<Record<string, Limit | null>>;

/** The units of time, in ms. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads `5/60s`, `5/m` or `off`. @returns null for `off`; undefined for other text */
function parseLimit(text: string): Limit | null | undefined {
	if (text === 'off') return null;
	const [, calls, units = '1', unit = ''] = /^(\d{1,9})\/(\d{1,10})?(ms|s|m|h)$/.exec(text) ?? [];
	if (calls === undefined) return undefined;
	const limit = { calls: Number(calls), per: Number(units) * (UNITS[unit] as number) };
	return isLimit(limit) ? limit : undefined;
}

/** Writes a limit as `parseLimit` reads it. */
export function limitText(limit: Limit | null): string {
	if (limit === null) return 'off';
	const { calls, per } = limit;
	return per % 1000 === 0 ? `${calls}/${per / 1000}s` : `${calls}/${per}ms`;
}

/** Reads `NAME=CALLS/TIME` entries, separated by commas. The name may contain anything but a comma. */
function readEntries(text: string): readonly [name: string, limit: Limit | null | undefined][] {
	return text.split(',').map((entry) => {
		const equalsIndex = entry.lastIndexOf('=');
		// Without an equals sign, the name is empty.
		return [entry.slice(0, Math.max(0, equalsIndex)).trim(), parseLimit(entry.slice(equalsIndex + 1).trim())];
	});
}

function parseLimits(text: string): MethodLimits | undefined {
	const entries = readEntries(text);
	const isValid = entries.every(([name, limit]) => name !== '' && limit !== undefined);
	return isValid ? (Object.fromEntries(entries) as MethodLimits) : undefined;
}

/** Converts the texts in an object of limits, such as `5/60s`. Other values stay: `accepts` checks them. */
function convertLimits(value: unknown): unknown {
	if (!isObject(value)) return value;
	const entries = Object.entries(value);
	return Object.fromEntries(
		entries.map(([name, limit]) => {
			const parsed = typeof limit === 'string' ? parseLimit(limit) : undefined;
			// Null is the value of `off`, so `??` would be wrong.
			return [name, parsed === undefined ? limit : parsed];
		}),
	);
}

const isLimitOrNone = (limit: unknown) => limit === null || isLimit(limit);

function badEntriesOf(value: unknown) {
	if (!isObject(value)) return [];
	const badEntries = Object.entries(value).filter(([, limit]) => !isLimitOrNone(limit));
	return badEntries.map(([name, limit]) => ({
		name,
		form: 'such as "5/60s", {"calls": 5, "per": 60000} or "off"',
		given: typeof limit === 'string' ? `'${limit}'` : (JSON.stringify(limit) ?? String(limit)),
	}));
}

/** For invalid limits: the same names, each with null. The names are needed to report methods that do not exist. */
function withNamesOf(original: unknown): MethodLimits {
	const entries =
		typeof original === 'string' ? readEntries(original) : Object.entries(isObject(original) ? original : {});
	return Object.fromEntries(entries.filter(([name]) => name !== '').map(([name]) => [name, null]));
}

/** A setting of limits by method. Each limit replaces the one in the definition of the method. */
export function methodLimits(
	description: Pick<Option<MethodLimits>, 'meaning' | 'env' | 'flag'>,
): Option<MethodLimits> {
	return {
		...description,
		placeholder: 'NAME=CALLS/TIME',
		isList: true,
		default: {},
		form: 'entries such as e2e.setRoomKeyID=5/60s or e2e.roomState=off, with the units ms, s, m, h',
		read: parseLimits,
		convert: convertLimits,
		accepts: (value) => isObject(value) && Object.values(value).every(isLimitOrNone),
		badEntries: badEntriesOf,
		usable: withNamesOf,
		merge: (values) => Object.fromEntries(values.flatMap((limits) => Object.entries(limits))),
		format: (value) =>
			Object.entries(value as MethodLimits)
				.map(([name, limit]) => `${name}=${limitText(limit)}`)
				.join(', '),
	};
}
