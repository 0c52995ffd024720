/** `roomkey completion`: prints a script with which a shell completes commands and flags. */
import { OptionError } from '../options/optionError.js';
import type { Command, Input, Io } from './command.js';
import { bashCompletion } from './completionBash.js';
import { fishCompletion } from './completionFish.js';
import { completionModel } from './completionModel.js';
import { zshCompletion } from './completionZsh.js';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export async function printCompletion(input: Input, io: Io, commands: readonly Command[]): Promise<void> {
	const shell = input.argument(0);
	if (!Object.hasOwn(SHELLS, shell)) throw new OptionError(`SHELL must be bash, zsh or fish, not '${shell}'`);
	io.line(SHELLS[shell as keyof typeof SHELLS](completionModel(commands)));
}
