import type { Flags } from './command.js';

/** The flags that say which data a subcommand works on. They have no variables: such a command names its data. */
export const DATA_FLAGS = {
	data: { placeholder: 'DIR', meaning: 'the data folder' },
	'mongo-url': { placeholder: 'URL', meaning: 'the MongoDB' },
} as const satisfies Flags;
