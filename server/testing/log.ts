/** The log of a test. */
import type { Log } from '../../shared/log.js';

export interface LogLine {
	readonly level: keyof Log;
	readonly facts: object;
	readonly text: string;
}

/** A log that keeps its entries. */
export function memoryLog(): Log & { readonly lines: LogLine[] } {
	const lines: LogLine[] = [];
	const keep = (level: keyof Log) => (facts: object, text: string) => void lines.push({ level, facts, text });
	return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}
