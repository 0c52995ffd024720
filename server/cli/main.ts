#!/usr/bin/env node
import module from 'node:module';
import { StoreError } from '../../shared/storeErrors.js';
import { OptionError } from '../options/kinds.js';
/** The `roomkey` command. Each subcommand loads only what it uses. */
import { packageVersion } from '../version.js';
import { readConfig } from './config.js';
import { dataCommandsHelp, type Output, runDataCommand } from './dataCommands.js';
import { helpText } from './help.js';

const dataOutput: Output = {
	line: (text) => console.log(text),
	...(process.stderr.isTTY && { progress: (text: string) => void process.stderr.write(`\r${text}\x1b[K`) }),
};

/** Whether an error is the operator's: then its message is printed without a stack trace. */
function isExpected(error: unknown): error is Error {
	const { syscall } = error as NodeJS.ErrnoException;
	return error instanceof OptionError || error instanceof StoreError || syscall === 'listen';
}

// From Node 22.1 on, this stores compiled modules, so that the next start is faster.
(module as { enableCompileCache?(): unknown }).enableCompileCache?.();

try {
	const args = process.argv.slice(2);
	const request = (await runDataCommand(args, dataOutput, async () => (await import('./logAt.js')).logAt('warn')))
		? undefined
		: readConfig(args, process.env);
	if (request?.kind === 'help') console.log(`${helpText()}\n\nData:\n${dataCommandsHelp().join('\n')}`);
	else if (request?.kind === 'version') console.log(packageVersion());
	else if (request) await (await import('./serve.js')).serve(request.config);
} catch (error) {
	if (!isExpected(error)) throw error;
	console.error(`roomkey: ${error.message}`);
	if (error instanceof OptionError) console.error('Try roomkey --help');
	process.exitCode = error instanceof OptionError ? 2 : 1;
}
