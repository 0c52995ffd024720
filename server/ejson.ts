/** EJSON for applications, with the names of Meteor's package. */
import ejson from 'ejson';
import { clone, decode, isSame, parse, stringify } from '../shared/ejson.js';

export const EJSON = {
	/** Reads EJSON text. */
	parse,
	/** Writes EJSON text; for undefined, `null`. */
	stringify: (value: unknown): string => stringify(value) ?? 'null',
	/** A deep copy. */
	clone,
	/** Whether two values are equal; the order of keys does not matter. */
	equals: isSame,
	/** Converts plain JSON to EJSON values. */
	fromJSONValue: (value: unknown): unknown => decode(clone(value)),
	/** Converts an EJSON value to plain JSON. */
	toJSONValue: (value: unknown): unknown => JSON.parse(stringify(value) ?? 'null'),
	/**
	 * Adds a type, for all servers of the process. The values of the type have the methods `typeName`, `toJSONValue`, `clone`
	 * and `equals`.
	 * @param make creates a value from the result of `toJSONValue`
	 */
	addType(name: string, make: (json: unknown) => object): void {
		ejson.addType(name, make as never);
	},
};
