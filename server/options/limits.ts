/** The setting for limits of methods: `e2e.setRoomKeyID=5/60s`. */
import { isObject } from '../../shared/isObject.js';
import { isLimit, type Limit } from '../../shared/limit.js';
import type { Option } from './kinds.js';

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
function parseLimits(text: string): MethodLimits | undefined {
	const limits: [name: string, limit: Limit | null][] = [];
	for (const entry of text.split(',')) {
		const equalsIndex = entry.lastIndexOf('=');
		// Without an equals sign, the index is -1, and the name is empty.
		const name = entry.slice(0, Math.max(0, equalsIndex)).trim();
		const limit = parseLimit(entry.slice(equalsIndex + 1).trim());
		if (name === '' || limit === undefined) return undefined;
		limits.push([name, limit]);
	}
	return Object.fromEntries(limits);
}

/** Converts the texts in an object of limits, such as `5/60s`. Other values stay as they are: `accepts` checks them. */
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

/** Finds the first entry whose value is neither a limit nor null. */
function badEntryOf(value: unknown) {
	if (!isObject(value)) return undefined;
	const [name, limit] = Object.entries(value).find(([, entry]) => !isLimitOrNone(entry)) ?? [];
	if (name === undefined) return undefined;
	const given = typeof limit === 'string' ? `'${limit}'` : (JSON.stringify(limit) ?? String(limit));
	return { name, form: 'such as "5/60s", {"calls": 5, "per": 60000} or "off"', given };
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
		badEntry: badEntryOf,
		merge: (values) => Object.fromEntries(values.flatMap((limits) => Object.entries(limits))),
		format: (value) =>
			Object.entries(value as MethodLimits)
				.map(([name, limit]) => `${name}=${limitText(limit)}`)
				.join(', '),
	};
}
