/**
 * Runs the command `roomkey` with the arguments of this script. Prints each report of progress as a line, also
 * without a terminal.
 */
import { run } from '../../server/cli/run.js';

process.exitCode = await run(process.argv.slice(2), {
	env: process.env,
	line: (text) => console.log(text),
	note: (text) => console.error(text),
	progress: (text) => console.log(`progress ${text}`),
	isInteractive: false,
	readSecret: async () => '',
	confirm: async () => false,
});
