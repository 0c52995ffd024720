/** Empty publications, to which every Meteor client subscribes (`test/contract/ddp.md` 16.5). */
import { emptyPublication } from '../model/emptyPublication.js';

export const loginServiceConfiguration = emptyPublication(
	'meteor.loginServiceConfiguration',
	'Other ways to log in, of which there are none',
);

export const clientVersions = emptyPublication(
	'meteor_autoupdate_clientVersions',
	'New versions of the client, of which Roomkey has none',
);
