/** Standard input and output as a command uses them. */
import { createInterface } from 'node:readline';
import { CommandError, type Io } from './command.js';

/** The input and output of this process. */
export function terminal(): Io {
	/** Lines of standard input, if it is not a terminal. */
	let lines: AsyncIterator<string> | undefined;
	const isInteractive = process.stdin.isTTY === true;

	async function nextLine(): Promise<string> {
		lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
		const { value, done } = await lines.next();
		if (done) throw new CommandError('A password is expected on standard input, on a line of its own.');
		return value;
	}

	return {
		env: process.env,
		line: (text) => console.log(text),
		note: (text) => console.error(text),
		...(process.stderr.isTTY && { progress: (text: string) => void process.stderr.write(`\r${text}\x1b[K`) }),
		isInteractive,
		readSecret: (prompt) => (isInteractive ? ask(prompt, true) : nextLine()),
		isConfirmed: async (question) => /^y(es)?$/i.test((await ask(`${question} (yes/no) `, false)).trim()),
	};
}

/** Asks on standard error, so that standard output has only the result. */
async function ask(prompt: string, silent: boolean): Promise<string> {
	const { read } = await import('read');
	try {
		return await read({ prompt, silent, output: process.stderr });
	} catch {
		throw new CommandError('Cancelled.');
	}
}
