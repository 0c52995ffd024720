/** Roomkey notices what another program writes to a MongoDB-protocol server without change streams. */
import { describeWatchedServer } from '../support/watchedServer.js';

describeWatchedServer(
	'a MongoDB without change streams',
	'polling',
	() => process.env.ROOMKEY_TEST_MONGO_URL as string,
);
