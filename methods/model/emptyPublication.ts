import { publication } from '../../shared/publication.js';

/** A publication without documents, for clients that subscribe and wait for `ready`. */
export function emptyPublication(name: string, summary: string) {
	return publication({
		name,
		args: {},
		summary,
		anonymous: true,
		documents: {},
		run: (_args, context) => context.ready(),
	});
}
