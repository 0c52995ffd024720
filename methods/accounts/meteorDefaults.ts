/**
 * Empty publications. Meteor clients with accounts subscribe to the first, and browser clients with hot code push to the
 * second (`test/contract/ddp.md` 16.5).
 */
import { emptyPublication } from '../model/emptyPublication.js';

export const loginServiceConfiguration = emptyPublication(
	'meteor.loginServiceConfiguration',
	"The login services that Meteor's login buttons offer: always empty",
);

export const clientVersions = emptyPublication(
	'meteor_autoupdate_clientVersions',
	'New versions of the client: always empty',
);
