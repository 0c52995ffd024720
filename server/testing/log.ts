/** A log for tests, and the search for an exception in it. */
import type { Log } from '../../shared/log.js';

export interface LogLine {
	readonly level: keyof Log;
	/** The structured values of the entry. */
	readonly facts: object;
	readonly text: string;
}

/**
 * Makes a log that keeps its entries in `lines`.
 * @param next receives the entries too
 */
export function memoryLog(next?: Log): Log & { readonly lines: LogLine[] } {
	const lines: LogLine[] = [];
	const keep = (level: keyof Log) => (facts: object, text: string) => {
		lines.push({ level, facts, text });
		next?.[level](facts, text);
	};
	return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** Finds in the log what a call or subscription has thrown that ended with `Internal server error`. */
export function thrownIn(lines: readonly LogLine[], sessionId: string | undefined, requestId: string): unknown {
	const line = lines.findLast(({ facts }) => {
		const ids = facts as { sessionId?: unknown; requestId?: unknown };
		return 'err' in facts && ids.sessionId === sessionId && ids.requestId === requestId;
	});
	return (line?.facts as { err?: unknown } | undefined)?.err;
}
