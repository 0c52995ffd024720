/** The log of a server or a command, on standard error. */
import { type Logger, pino } from 'pino';
import { prettyLine } from './prettyLog.js';

/** How lines are written. `auto`: for people on a terminal, else for programs. */
export type LogFormat = 'json' | 'pretty' | 'auto';

/**
 * Makes a log.
 * @param write writes a line with its end. Default: to stderr, synchronously, so that the last lines are not lost when
 * the process ends
 */
export function logAt(level: string, format: LogFormat, write?: (line: string) => void): Logger {
	const target = write ? { write } : pino.destination({ dest: 2, sync: true });
	const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true);
	const pretty = { write: (line: string) => void target.write(prettyLine(line, process.stderr.isTTY === true)) };
	return pino({ level }, isPretty ? pretty : target);
}
