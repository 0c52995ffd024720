/** A log for tests, and the search for an exception in it. */
import type { Log } from '../../shared/log.js';

export interface LogLine {
	readonly level: keyof Log;
	/** The structured values of the entry. */
	readonly facts: object;
	readonly text: string;
}

/** Makes a log that keeps its entries in `lines`. @param next receives the entries too */
export function memoryLog(next?: Log): Log & { readonly lines: LogLine[] } {
	const lines: LogLine[] = [];
	const keep = (level: keyof Log) => (facts: object, text: string) => {
		lines.push({ level, facts, text });
		next?.[level](facts, text);
	};
	return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** Finds in the log why a call or subscription of a client has failed. */
export function causeIn(lines: readonly LogLine[], sessionId: string | undefined, requestId: string): unknown {
	const failure = lines
		.map(({ facts }) => facts as LoggedFailure)
		.findLast(({ err, argument, ...ids }) => {
			const hasCause = err !== undefined || argument !== undefined;
			return hasCause && ids.sessionId === sessionId && ids.requestId === requestId;
		});
	if (failure?.argument === undefined) return failure?.err;
	const place = failure.path ? ` at '${failure.path}'` : '';
	return new Error(`Argument '${failure.argument}' does not match its pattern${place}`);
}

/** What is logged of a call or subscription that has failed. */
interface LoggedFailure {
	readonly err?: unknown;
	/** Name of the argument that does not match, and the path inside it. */
	readonly argument?: string;
	readonly path?: string;
	readonly sessionId?: unknown;
	readonly requestId?: unknown;
}
