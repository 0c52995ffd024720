/** Flags that several commands have. */
import type { Flags } from './command.js';

export const STORE_FLAGS = {
	data: { placeholder: 'DIR', env: 'ROOMKEY_DATA', meaning: 'the data folder; roomkey-data unless given' },
	'mongo-url': { placeholder: 'URL', env: 'MONGO_URL', meaning: 'the MongoDB' },
	config: { placeholder: 'FILE', env: 'ROOMKEY_CONFIG', meaning: 'the configuration file of the server' },
} as const satisfies Flags;

/** The flags of commands that work on a store directly, or through a server. */
export const TARGET_FLAGS = {
	...STORE_FLAGS,
	url: { placeholder: 'URL', env: 'ROOMKEY_URL', meaning: 'work through the server at this address' },
	'token-file': {
		placeholder: 'FILE',
		env: 'ROOMKEY_TOKEN_FILE',
		meaning: "with --url: the file with an admin's login token; or the token is in ROOMKEY_TOKEN",
	},
	login: {
		placeholder: 'NAME',
		meaning: 'with --url: log in as this admin; the password is asked for, or is the first line of standard input',
	},
} as const satisfies Flags;

export const JSON_FLAG = { json: { meaning: 'print JSON, for programs' } } as const satisfies Flags;

export const LIST_FLAGS = {
	limit: { placeholder: 'N', meaning: 'maximum number of entries; 100 unless given' },
	offset: { placeholder: 'N', meaning: 'number of entries to leave out at the beginning' },
	...JSON_FLAG,
} as const satisfies Flags;

/** Flags of commands that move data. Without environment variables, because the operator must name the data. */
export const DATA_FLAGS = {
	data: { placeholder: 'DIR', meaning: 'the data folder' },
	'mongo-url': { placeholder: 'URL', meaning: 'the MongoDB' },
} as const satisfies Flags;

/**
 * The flags of `backup` and `restore`. `--mongo-url` is one of them, so that the error for it can name a tool of
 * MongoDB.
 * @param tool the program that does the same for a MongoDB
 */
export function copyFlags(tool: string): Flags {
	return {
		data: DATA_FLAGS.data,
		'mongo-url': { placeholder: 'URL', meaning: `always refused: for MongoDB use ${tool}` },
	};
}
