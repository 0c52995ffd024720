/** Standard input and output as a command uses them. */
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import { CommandError, type Io } from './command.js';

const STDIN = 0;
const STDERR = 2;

/** Erases the line from the cursor to its end. */
const ERASE_TO_END = '\x1b[K';

/** `close` lets the process end. */
export function openTerminal(): Io & { close(): void } {
	// `process.stdin.isTTY` would open standard input, which a server does not use.
	const isInteractive = isatty(STDIN);
	/** Lines of standard input, if it is not a terminal. */
	let lines: AsyncIterator<string> | undefined;
	let showsProgress = false;

	async function nextLine(): Promise<string> {
		lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
		const { value, done } = await lines.next();
		if (done) throw new CommandError('A password is expected on standard input, on a line of its own.');
		return value;
	}

	function clearProgress(): void {
		if (showsProgress) process.stderr.write(`\r${ERASE_TO_END}`);
		showsProgress = false;
	}

	return {
		env: process.env,
		line(text) {
			clearProgress();
			console.log(text);
		},
		note(text) {
			clearProgress();
			console.error(text);
		},
		...(isatty(STDERR) && {
			progress(text: string) {
				showsProgress = true;
				process.stderr.write(`\r${text}${ERASE_TO_END}`);
			},
		}),
		isInteractive,
		readSecret: (prompt) => (isInteractive ? ask(prompt, { silent: true }) : nextLine()),
		async confirm(question) {
			const answer = await ask(`${question} (yes/no) `, { silent: false });
			return /^y(es)?$/i.test(answer.trim());
		},
		close() {
			clearProgress();
			// Otherwise the process would wait for more lines, as long as the pipe is open.
			if (lines) process.stdin.destroy();
		},
	};
}

/** Asks on standard error, because standard output has only the result. `silent`: what is typed is not shown. */
async function ask(prompt: string, { silent }: { silent: boolean }): Promise<string> {
	const { read } = await import('read');
	try {
		return await read({ prompt, silent, output: process.stderr });
	} catch {
		throw new CommandError('Cancelled.');
	}
}
