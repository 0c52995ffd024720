/** The part of nedb that decides whether a document fits a query; its types leave it out. */
declare module '@seald-io/nedb/lib/model.js' {
	const model: { match(document: object, query: object): boolean };
	export default model;
}
