import { publication } from '../../shared/publication.js';

/** A publication without documents, for everyone: clients that subscribe to it wait for `ready`. */
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
