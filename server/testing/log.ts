/** The log of a test. */
import type { Log } from '../../shared/log.js';

export interface LogLine {
	readonly level: keyof Log;
	readonly facts: object;
	readonly text: string;
}

/**
 * A log that keeps its entries.
 * @param next receives them too
 */
export function memoryLog(next?: Log): Log & { readonly lines: LogLine[] } {
	const lines: LogLine[] = [];
	const keep = (level: keyof Log) => (facts: object, text: string) => {
		lines.push({ level, facts, text });
		next?.[level](facts, text);
	};
	return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** What was thrown in a call or subscription that ended with `Internal server error`, as the log has it. */
export function thrownIn(lines: readonly LogLine[], sessionId: string | undefined, requestId: string): unknown {
	const line = lines.findLast(({ facts }) => {
		const known = facts as { sessionId?: unknown; requestId?: unknown };
		return 'err' in facts && known.sessionId === sessionId && known.requestId === requestId;
	});
	return (line?.facts as { err?: unknown } | undefined)?.err;
}
