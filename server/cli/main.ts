#!/usr/bin/env node
/** The `roomkey` command. */
import module from 'node:module';
import { StoreError } from '../../shared/storeErrors.js';
import { OptionError } from '../options/optionError.js';
import { CommandError } from './command.js';
import { run } from './run.js';
import { openTerminal } from './terminal.js';

/** Whether the operator can correct an error. Its message is then printed without a stack trace. */
function isExpected(error: unknown): error is Error {
	const { syscall } = error as NodeJS.ErrnoException;
	const isOwnError = [OptionError, StoreError, CommandError].some((kind) => error instanceof kind);
	// Listening fails if the port is in use or not allowed.
	return isOwnError || syscall === 'listen';
}

// Makes the next start faster. Node has this function from version 22.1 on.
(module as { enableCompileCache?(): unknown }).enableCompileCache?.();

// A reader that closes the pipe early, such as `head`, is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code !== 'EPIPE') throw error;
});

const io = openTerminal();
try {
	process.exitCode = await run(process.argv.slice(2), io);
} catch (error) {
	if (!isExpected(error)) throw error;
	const { reportFailure } = await import('./startFailure.js');
	reportFailure(error, process.argv.slice(2), process.env);
	process.exitCode = error instanceof OptionError ? 2 : 1;
} finally {
	io.close();
}
