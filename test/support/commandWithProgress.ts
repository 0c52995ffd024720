/**
 * Runs the command line in its arguments. Progress, which `roomkey` shows only on a terminal, is printed on standard output,
 * each report on a line of its own.
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
