/** Runs the `roomkey` command, in a process of its own or in this one. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { CommandError, type Io } from '../../server/cli/command.js';
import { run } from '../../server/cli/run.js';
import { OptionError } from '../../server/options/optionError.js';
import { StoreError } from '../../shared/storeErrors.js';
import { noteLog } from './secrets.js';

const main = path.resolve('dist/server/cli/main.js');

export interface CommandOptions {
	readonly env?: NodeJS.ProcessEnv | undefined;
	/** The text on standard input. */
	readonly input?: string | undefined;
	readonly stdinStaysOpen?: boolean;
	readonly cwd?: string | undefined;
}

export class Command {
	readonly child: ChildProcessWithoutNullStreams;
	out = '';
	err = '';

	constructor(args: readonly string[], { env, input, cwd, stdinStaysOpen = false }: CommandOptions = {}) {
		this.child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env.PATH, ...env }, cwd });
		// A command that ends without reading its input closes the pipe.
		this.child.stdin.on('error', () => {});
		this.child.stdin.write(input ?? '');
		if (!stdinStaysOpen) this.child.stdin.end();
		this.child.stdout.on('data', (chunk) => {
			this.out += chunk;
		});
		this.child.stderr.on('data', (chunk) => {
			this.err += chunk;
			noteLog(String(chunk));
		});
	}

	/** Resolves with the address once the command listens. */
	async listening(): Promise<string> {
		for await (const line of createInterface({ input: this.child.stdout })) {
			const address = /https?:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
			if (address) return address;
		}
		throw new Error(`the command ended: ${this.err}`);
	}

	/** Resolves once standard output contains this text. */
	async printed(text: string): Promise<void> {
		while (!this.out.includes(text)) {
			const isOpen = this.child.stdout.readable;
			if (!isOpen) throw new Error(`the command ended: ${this.out} ${this.err}`);
			await Promise.race([once(this.child.stdout, 'data'), once(this.child.stdout, 'end')]);
		}
	}

	/** Resolves with the exit code. */
	async ended(): Promise<number | null> {
		if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
		return this.child.exitCode;
	}

	async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
		this.child.kill(signal);
		return this.ended();
	}
}

/** Runs a command to its end. */
export async function runAsProcess(args: readonly string[], options?: CommandOptions) {
	const command = new Command(args, options);
	const status = await command.ended();
	return { status, out: command.out, err: command.err };
}

/**
 * Runs a command in this process, which is a second faster than a new process. Each line of `input` answers a prompt for
 * a secret. Other questions are answered with no.
 */
export async function runInProcess(args: readonly string[], { env = {}, input = '' }: CommandOptions = {}) {
	const out: string[] = [];
	const err: string[] = [];
	const lines = input === '' ? [] : input.replace(/\n$/, '').split('\n');
	const io: Io = {
		env,
		line: (text) => out.push(`${text}\n`),
		note: (text) => err.push(`${text}\n`),
		isInteractive: false,
		async readSecret() {
			const line = lines.shift();
			if (line === undefined) throw new CommandError('There is no line');
			return line;
		},
		confirm: async () => false,
	};
	let status: number;
	try {
		status = await run(args, io);
	} catch (error) {
		if (!(error instanceof OptionError || error instanceof CommandError || error instanceof StoreError)) throw error;
		err.push(error.message);
		status = error instanceof OptionError ? 2 : 1;
	}
	return { status, out: out.join(''), err: err.join('') };
}
