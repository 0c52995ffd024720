import { OptionError } from './optionError.js';

/**
 * Checks the names in a list of definitions.
 * @param option the name of the list, for the error text
 * @param reserved names of Roomkey's own definitions
 * @throws OptionError for names that are reserved, or occur twice
 */
export function requireFreeNames(option: string, names: readonly string[], reserved: ReadonlySet<string | null>): void {
	const seen = new Set<string>();
	const faults = new Set<string>();
	for (const name of names) {
		if (reserved.has(name)) faults.add(`${option} must not have '${name}', which is Roomkey's own`);
		else if (seen.has(name)) faults.add(`${option} has '${name}' twice: it is already defined`);
		seen.add(name);
	}
	if (faults.size > 0) throw OptionError.of([...faults]);
}
