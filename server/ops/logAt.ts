/** The log of a server or a command, on standard error. */
import { type DestinationStream, pino } from 'pino';
import type { Log } from '../../shared/log.js';
import { prettyLine } from './prettyLog.js';

/** How lines are written. `auto`: for people on a terminal, else for programs. */
export type LogFormat = 'json' | 'pretty' | 'auto';

/** Writes to stderr. Synchronous, so that the last lines are not lost when the process ends. */
export function logAt(level: string, format: LogFormat): Log {
	const stderr = pino.destination({ dest: 2, sync: true });
	const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true);
	const pretty: DestinationStream = {
		write: (line) => void stderr.write(prettyLine(line, process.stderr.isTTY === true)),
	};
	return pino({ level }, isPretty ? pretty : stderr);
}
