/** Recognizes errors of MongoDB's driver for an unavailable database. Clients may then try again. */
import { reasonOf, StoreError } from '../../shared/storeErrors.js';

/** Names of errors of a database that does not answer, or of a closed client. */
const UNREACHABLE_NAMES: ReadonlySet<string> = new Set([
	'MongoServerSelectionError',
	'MongoNetworkError',
	'MongoNetworkTimeoutError',
	'MongoOperationTimeoutError',
	'MongoPoolClearedError',
	'MongoPoolClosedError',
	'PoolClearedOnNetworkError',
	'MongoWaitQueueTimeoutError',
	'MongoTopologyClosedError',
	'MongoServerClosedError',
	'MongoNotConnectedError',
	'MongoClientClosedError',
]);

/** Error labels of a database that changes its primary or shuts down. */
const TRANSIENT_LABELS = ['RetryableWriteError', 'TransientTransactionError'];

/**
 * Error codes of a database whose network fails (6, 7, 89, 9001) or that shuts down (91, 11600). Also codes of one that
 * is not primary (189, 10107, 11602, 13435, 13436), or has exceeded a time limit (262).
 */
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
	6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/** The code with which FerretDB returns errors of PostgreSQL. */
const INTERNAL_ERROR = 1;

/** The messages of a PostgreSQL server that is unavailable, shutting down or starting. */
const POSTGRES_UNAVAILABLE = /connection refused|connection reset|closed pool|failed to connect|SQLSTATE (08|57P)/;

function isUnavailable(error: unknown): boolean {
	if (!(error instanceof Error) || error instanceof StoreError) return false;
	const { name, message, code, errorLabels } = error as Error & { code?: unknown; errorLabels?: unknown };
	if (UNREACHABLE_NAMES.has(name)) return true;
	if (!name.startsWith('Mongo')) return false;
	const isPostgresUnavailable = code === INTERNAL_ERROR && POSTGRES_UNAVAILABLE.test(message);
	if (TRANSIENT_CODES.has(code) || isPostgresUnavailable) return true;
	return Array.isArray(errorLabels) && TRANSIENT_LABELS.some((label) => errorLabels.includes(label));
}

/** The error for callers: a StoreError `unreachable` if the database is unavailable, otherwise the unchanged error. */
export function unavailableError(error: unknown): unknown {
	if (!isUnavailable(error)) return error;
	return new StoreError('unreachable', `The database does not answer: ${reasonOf(error)}`, { cause: error });
}
