import { OptionError } from './kinds.js';

/**
 * Checks the names in a list of definitions.
 * @param option the name of the list, for the error text
 * @param reserved names of Roomkey's own definitions
 * @throws OptionError for a name that is reserved, or that the list has twice
 */
export function requireFreeNames(option: string, names: readonly string[], reserved: ReadonlySet<string | null>): void {
	const seen = new Set<string>();
	for (const name of names) {
		if (reserved.has(name)) throw new OptionError(`${option} must not have '${name}', which is Roomkey's own`);
		if (seen.has(name)) throw new OptionError(`${option} has '${name}' twice: it is already defined`);
		seen.add(name);
	}
}
