/** The log of a command. */
import { pino } from 'pino';
import type { Log } from '../../shared/log.js';

/** Writes to stderr, as JSON. Synchronous, so that the last lines are not lost when the process ends. */
export function logAt(level: string): Log {
	return pino({ level }, pino.destination({ dest: 2, sync: true }));
}
