/**
 * Logs errors that end a call or a subscription. Arguments and texts of match errors are not logged, because they may
 * contain a password.
 */
import {
	ArgumentError,
	type ClientError,
	isClientSafe,
	MatchError,
	StoreUnavailableError,
} from '../../shared/errors.js';
import { type Caller, factsOf } from './caller.js';
import type { Services } from './invocation.js';

function pathOf(error: MatchError): object {
	return { ...(error instanceof ArgumentError && { argument: error.argument }), path: error.path };
}

/** Whether the details of an error can be encoded. */
function canBeSent(error: ClientError): boolean {
	try {
		if (error.details !== undefined) JSON.stringify(error.details);
		return true;
	} catch {
		return false;
	}
}

/** A getter or a Proxy can throw when the log reads a member. */
function isReadable(thrown: unknown): boolean {
	try {
		const object = Object(thrown);
		Reflect.getPrototypeOf(object);
		for (const name of ['message', 'stack', 'isClientSafe']) Reflect.get(object, name);
		return true;
	} catch {
		return false;
	}
}

/**
 * Logs what was thrown. Client errors are logged only if they cannot be encoded. Match errors are logged at
 * `argumentLogLevel`, unavailable databases as warnings, and all other errors at the level `error`.
 * @param facts the ended operation, such as `{method: name}`
 * @param text the log message for an unexpected error
 */
export function logThrown(
	{ log, argumentLogLevel = 'debug' }: Pick<Services, 'log' | 'argumentLogLevel'>,
	facts: object,
	text: string,
	value: unknown,
	caller?: Caller,
): void {
	const isSafe = isClientSafe(value);
	if (isSafe && canBeSent(value)) return;
	const callerFacts = caller && factsOf(caller);
	if (isSafe) {
		log.error({ ...facts, ...callerFacts }, 'The details of an error cannot be encoded');
		return;
	}
	const thrown = isReadable(value) ? value : new Error('The thrown value cannot be read');
	if (thrown instanceof MatchError) {
		log[argumentLogLevel]({ ...facts, ...pathOf(thrown), ...callerFacts }, 'A value does not match its pattern');
	} else if (thrown instanceof StoreUnavailableError) {
		log.warn({ ...facts, ...callerFacts, err: thrown }, 'The database is not available');
	} else if (Array.isArray(thrown) && thrown.every((error) => error instanceof MatchError)) {
		// An array of errors is thrown by `check` with `throwAllErrors`.
		log.error({ ...facts, ...callerFacts, errors: thrown.map(pathOf) }, text);
	} else {
		log.error({ ...facts, ...callerFacts, err: thrown }, text);
	}
}
