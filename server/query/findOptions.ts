/** Checks the options of reads, for all stores. */
import type { FindOptions } from '../../shared/store.js';
import { isFields } from '../../shared/values.js';

const isFlag = (value: unknown) => value === 0 || value === 1;
const isDirection = (value: unknown) => value === 1 || value === -1;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Names the first wrong part of a value, such as `limit` or `sort of 'at'`; null if none is wrong. */
type FindFault = (value: unknown) => string | null;

const OPTIONS: Readonly<Record<keyof FindOptions, readonly [required: string, findFault: FindFault]>> = {
	projection: ['0 or 1', eachField('projection', isFlag)],
	sort: ['1 or -1', eachField('sort', isDirection)],
	skip: ['a whole number from 0', (value) => (isCount(value) ? null : 'skip')],
	limit: ['a whole number from 0', (value) => (isCount(value) ? null : 'limit')],
};

function eachField(option: string, accepts: (value: unknown) => boolean): FindFault {
	return (value) => {
		if (!isFields(value)) return `each field of ${option}`;
		for (const field in value) if (!accepts(value[field])) return `${option} of '${field}'`;
		return null;
	};
}

/** Checks the options of a read. @throws TypeError that names the unknown or wrong option, or the wrong field */
export function checkFindOptions(options: FindOptions | undefined): void {
	for (const name in options) {
		const value = options[name as keyof FindOptions];
		if (value === undefined) continue;
		if (!Object.hasOwn(OPTIONS, name)) {
			throw new TypeError(`A read has no option '${name}'; its options are ${Object.keys(OPTIONS).join(', ')}`);
		}
		const [required, findFault] = OPTIONS[name as keyof FindOptions];
		const fault = findFault(value);
		if (fault !== null) throw new TypeError(`${fault} must be ${required}`);
	}
}
