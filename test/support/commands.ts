/** Processes of the `roomkey` command that end with their test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, type CommandOptions } from './command.js';

export class Commands {
	/** A new folder for each test. */
	folder = '';
	readonly #started: Command[] = [];

	start(args: readonly string[], options?: CommandOptions): Command {
		const command = new Command(args, options);
		this.#started.push(command);
		return command;
	}

	async makeFolder(): Promise<void> {
		this.folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
	}

	/** Kills the processes, and removes the folder. */
	async clear(): Promise<void> {
		for (const command of this.#started.splice(0)) await command.stop('SIGKILL');
		await rm(this.folder, { recursive: true });
	}
}

/** Call it in a `describe`. Makes the folder before its tests' own hooks. */
export function commandsOfEachTest(): Commands {
	const commands = new Commands();
	beforeEach(() => commands.makeFolder());
	afterEach(() => commands.clear());
	return commands;
}
