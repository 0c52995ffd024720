/**
 * Publications that stock clients subscribe to on every server (`test/contract/ddp.md` 16.5): they wait for `ready`.
 */
import { publication } from '../../shared/publication.js';

function empty(name: string, summary: string) {
	return publication({
		name,
		args: {},
		summary,
		anonymous: true,
		documents: {},
		run: (_args, context) => context.ready(),
	});
}

export const loginServiceConfiguration = empty(
	'meteor.loginServiceConfiguration',
	'Other ways to log in, of which there are none',
);

export const clientVersions = empty(
	'meteor_autoupdate_clientVersions',
	'New versions of the client, of which Roomkey has none',
);
