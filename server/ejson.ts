/** EJSON for applications, with the names of Meteor's package. */
import Package from 'ejson';
import { clone, decode, isSame, parse, stringify } from '../shared/ejson.js';

export const EJSON = {
	/** Reads EJSON text. */
	parse,
	/** Writes EJSON text. */
	stringify: (value: unknown): string => stringify(value) ?? 'null',
	/** A deep copy. */
	clone,
	/** Whether two values are equal; the order of keys does not matter. */
	equals: isSame,
	/** Makes EJSON values of a value of plain JSON. */
	fromJSONValue: (value: unknown): unknown => decode(clone(value)),
	/** Makes plain JSON of an EJSON value. */
	toJSONValue: (value: unknown): unknown => JSON.parse(stringify(value) ?? 'null'),
	/**
	 * Adds a type, for all servers of the process. Its values have the methods `typeName`, `toJSONValue`, `clone` and
	 * `equals`.
	 * @param make a value of what `toJSONValue` has returned
	 */
	addType(name: string, make: (json: unknown) => object): void {
		Package.addType(name, make as never);
	},
};
