/** Formats log lines for people: time in UTC, level, message, then the facts. */

const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
	20: ['debug', 90],
	30: ['info', 32],
	40: ['warn', 33],
	50: ['error', 31],
	60: ['fatal', 31],
};

/** Members of a line that have a place of their own, or are the same in all lines of a process. */
const NO_FACTS: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err']);

/** Control characters except tab and newline, which could move the cursor of a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression must match them
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function factText(value: unknown): string {
	return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** Formats a line of JSON that pino has written. @param colors whether the level is colored */
export function prettyLine(json: string, colors: boolean): string {
	let line: Record<string, unknown>;
	try {
		line = JSON.parse(json);
	} catch {
		return json;
	}
	const { level, time, msg, err } = line as { level: number; time: number; msg?: string; err?: { stack?: string } };
	const [name, color] = LEVELS[level] ?? [String(level), 0];
	const label = name.padEnd(5);
	const facts = Object.entries(line)
		.filter(([key, value]) => !NO_FACTS.has(key) && value !== null)
		.map(([key, value]) => `${key}=${factText(value)}`);
	const words = [new Date(time).toISOString(), label, msg ?? '', ...facts];
	const text = words.join(' ').replace(CONTROL, '?');
	const stack = err?.stack ? `\n${err.stack.replace(CONTROL, '?')}` : '';
	// The first match is the level: only the time precedes it.
	const shown = colors ? text.replace(label, `\u001b[${color}m${label}\u001b[0m`) : text;
	return `${shown}${stack}\n`;
}
