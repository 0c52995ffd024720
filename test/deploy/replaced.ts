/** Replaces patterns in a text. @throws Error if a pattern does not occur */
export function replaced(text: string, replacements: readonly (readonly [RegExp, string])[]): string {
	return replacements.reduce((result, [pattern, replacement]) => {
		if (result.search(pattern) < 0) throw new Error(`There is no ${pattern}`);
		return result.replace(pattern, replacement);
	}, text);
}
