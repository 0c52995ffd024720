/**
 * Publications without documents that unmodified Meteor clients subscribe to on every server (`test/contract/ddp.md`
 * 16.5). The clients wait for `ready`.
 */
import { emptyPublication } from '../model/emptyPublication.js';

export const loginServiceConfiguration = emptyPublication(
	'meteor.loginServiceConfiguration',
	'Other ways to log in, of which there are none',
);

export const clientVersions = emptyPublication(
	'meteor_autoupdate_clientVersions',
	'New versions of the client, of which Roomkey has none',
);
