/** Connects to the MongoDB of an address, and removes passwords from messages about it. */
import { type Db, MongoClient } from 'mongodb';
import { collectionNames } from '../../shared/store.js';
import { reasonOf, StoreError } from '../../shared/storeErrors.js';

/** The database if the address names none, as in Rocket.Chat's setups. */
const DEFAULT_DATABASE = 'rocketchat';

/** How long the start, and later each operation, waits for a database that does not answer, in ms. */
const SERVER_SELECTION_TIMEOUT_MS = 10_000;

/**
 * Makes a client, which connects at its first operation.
 * @throws StoreError for an address that cannot be understood
 */
export function createClient(url: string): MongoClient {
	// Options given here override those in the address.
	const hasOwnTimeout = /[?&]serverSelectionTimeoutMS=/i.test(url);
	try {
		return new MongoClient(url, {
			appName: 'roomkey',
			writeConcern: { w: 'majority' },
			ignoreUndefined: false,
			...(!hasOwnTimeout && { serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS }),
		});
	} catch {
		// The driver's message is not used: it may quote the address, and so the password.
		throw new StoreError(
			'unreachable',
			'The address of MongoDB cannot be understood. It must have the form mongodb://user:password@host:27017/database. Special characters in the password must be percent-encoded.',
		);
	}
}

/**
 * Connects to the database of an address.
 * @throws StoreError `unreachable`. Its message does not contain the password of the address
 */
export async function connect(url: string): Promise<MongoClient> {
	const client = createClient(url);
	try {
		return await client.connect();
	} catch (error) {
		await client.close();
		throw new StoreError('unreachable', withoutPassword(`MongoDB at ${hostsOf(url)}: ${reasonOf(error)}.`, url));
	}
}

/** Identifies a database by the UUID of a collection. Several addresses can name the same database. */
export async function identityOf(db: Db): Promise<string> {
	const [users] = await db.listCollections({ name: collectionNames.users }).toArray();
	const uuid = users && 'info' in users ? (users.info as { uuid?: unknown } | undefined)?.uuid : undefined;
	return `${db.databaseName} ${uuid ?? ''}`;
}

/** The parts of an address: `mongodb://login@hosts/database?options`. A slash in a password is percent-encoded. */
function urlParts(url: string): { login?: string; hosts?: string; database?: string } {
	return (
		/^mongodb(?:\+srv)?:\/\/(?:(?<login>[^/]*)@)?(?<hosts>[^/?]*)(?:\/(?<database>[^?]*))?/.exec(url)?.groups ?? {}
	);
}

/** The hosts in an address, for messages. */
export const hostsOf = (url: string) => urlParts(url).hosts ?? 'an unknown host';

/** The name of the database in an address, or the default. */
export const databaseOf = (url: string) => decodeURIComponent(urlParts(url).database || DEFAULT_DATABASE);

/** The database and the hosts in an address, for messages. */
export const databaseAndHosts = (url: string) => `${databaseOf(url)} at ${hostsOf(url)}`;

/** Removes the password of the address, percent-encoded or not, from a message of the driver. */
export function withoutPassword(message: string, url: string): string {
	// Only the first colon separates user and password.
	const password = urlParts(url).login?.split(':').slice(1).join(':');
	if (!password) return message;
	return message.replaceAll(password, '***').replaceAll(decodeURIComponent(password), '***');
}
