import { type Logger, pino } from 'pino';
import { prettyLine } from './prettyLog.js';

const STDERR = 2;

/** How lines are written: `json` for programs, `pretty` for people. `auto`: `pretty` if stderr is a terminal. */
export type LogFormat = 'json' | 'pretty' | 'auto';

/**
 * Creates the log of a server or a command.
 * @param write receives lines with their line breaks. Default: writes to stderr synchronously, so that no line is lost
 * when the process ends
 */
export function createLog(level: string, format: LogFormat, write?: (line: string) => void): Logger {
	const target = write ? { write } : pino.destination({ dest: STDERR, sync: true });
	const isTerminal = process.stderr.isTTY === true;
	const isPretty = format === 'pretty' || (format === 'auto' && isTerminal);
	const prettyTarget = { write: (line: string) => void target.write(prettyLine(line, isTerminal)) };
	return pino({ level, serializers: { err: errorFacts } }, isPretty ? prettyTarget : target);
}

/** Reading a thrown value can itself throw: in a getter, or in a Proxy. */
function errorFacts(err: unknown): unknown {
	try {
		return pino.stdSerializers.err(err as Error);
	} catch {
		return { type: 'Error', message: 'The thrown value cannot be read', stack: '' };
	}
}
