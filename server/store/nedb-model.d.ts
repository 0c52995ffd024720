/** The part of nedb that decides whether a document fits a query, and in what order they come; its types leave it out. */
declare module '@seald-io/nedb/lib/model.js' {
	const model: {
		match(document: object, query: object): boolean;
		/** Below 0 where the first comes first. */
		compareThings(a: unknown, b: unknown): number;
		getDotValue(document: object, path: readonly string[]): unknown;
		/** The value at the one path, or an object of those at several. */
		getDotValues(document: object, paths: readonly string[]): unknown;
	};
	export default model;
}
