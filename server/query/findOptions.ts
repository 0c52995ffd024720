/** The options of reads, checked in one place so that all stores refuse the same ones. */
import type { FindOptions } from '../../shared/store.js';
import { isFields } from '../../shared/values.js';

const isFlag = (value: unknown) => value === 0 || value === 1;
const isDirection = (value: unknown) => value === 1 || value === -1;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** For each option its form, and a function that returns the name of the first wrong part: `limit`, or `sort of 'at'`. */
const OPTIONS: Readonly<
	Record<keyof FindOptions, readonly [form: string, faultOf: (value: unknown) => string | null]>
> = {
	projection: ['0 or 1', fields('projection', isFlag)],
	sort: ['1 or -1', fields('sort', isDirection)],
	skip: ['a whole number from 0', (value) => (isCount(value) ? null : 'skip')],
	limit: ['a whole number from 0', (value) => (isCount(value) ? null : 'limit')],
};

/** Accepts an object whose values are all accepted. */
function fields(name: string, accepts: (value: unknown) => boolean): (value: unknown) => string | null {
	return (value) => {
		if (!isFields(value)) return `each field of ${name}`;
		for (const field in value) if (!accepts(value[field])) return `${name} of '${field}'`;
		return null;
	};
}

/**
 * Checks the options of a read. An option that is undefined has its default.
 *
 * @throws TypeError that names an unknown option, or the field whose value is wrong or undefined
 */
export function checkFindOptions(options: FindOptions | undefined): void {
	for (const name in options) {
		const value = options[name as keyof FindOptions];
		if (value === undefined) continue;
		if (!Object.hasOwn(OPTIONS, name)) {
			throw new TypeError(`A read has no option '${name}'; its options are ${Object.keys(OPTIONS).join(', ')}`);
		}
		const [form, faultOf] = OPTIONS[name as keyof FindOptions];
		const fault = faultOf(value);
		if (fault !== null) throw new TypeError(`${fault} must be ${form}`);
	}
}
