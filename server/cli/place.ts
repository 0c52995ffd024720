/** Where a command works: on a store directly, or through a running server. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';
import { DATA_FILE, MANIFEST } from '../dataFolder/manifest.js';
import { OptionError } from '../options/kinds.js';
import { options } from '../options/options.js';
import type { StoreChoice } from '../store/open.js';
import type { Admin } from './admin.js';
import type { Flags, Input, Io } from './command.js';

/** The flags that name a store. */
export const STORE_FLAGS = {
	data: { placeholder: 'DIR', env: 'ROOMKEY_DATA', meaning: 'the data folder; roomkey-data unless given' },
	'mongo-url': { placeholder: 'URL', env: 'MONGO_URL', meaning: 'the MongoDB' },
} as const satisfies Flags;

/** The flags of commands that work directly, or through a server. */
export const PLACE_FLAGS = {
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

/** A store that other processes can open too. */
export type StoredChoice = Exclude<StoreChoice, { kind: 'memory' }>;

export type Place =
	| { readonly kind: 'server'; readonly url: string }
	| { readonly kind: 'store'; readonly choice: StoredChoice };

/**
 * The place that the flags name, or else the environment, or else the default folder.
 * @throws OptionError if they name several
 */
export function placeOf(input: Input): Place {
	const flags = ['data', 'mongo-url', 'url'] as const;
	const given = flags.filter((name) => input.given(name) !== undefined);
	if (given.length > 1) throw new OptionError(`choose one of ${given.map((name) => `--${name}`).join(' and ')}`);
	const url = given[0] === undefined || given[0] === 'url' ? input.text('url') : undefined;
	if (url !== undefined) return { kind: 'server', url: serverUrl(url) };
	return { kind: 'store', choice: storeOf(input) };
}

/**
 * The store that the flags name, or else the environment, or else the default folder.
 * @throws OptionError if they name several
 */
export function storeOf(input: Input): StoredChoice {
	const byFlag = (['data', 'mongo-url'] as const).filter((name) => input.given(name) !== undefined);
	if (byFlag.length > 1) throw new OptionError('choose one of --data and --mongo-url');
	const names = byFlag.length > 0 ? byFlag : (['data', 'mongo-url'] as const).filter((name) => input.text(name));
	if (names.length > 1) throw new OptionError('choose one of ROOMKEY_DATA and MONGO_URL, with --data or --mongo-url');
	const value = names[0] && input.text(names[0]);
	if (value === '') throw new OptionError(`--${names[0]} must not be empty`);
	if (names[0] === 'mongo-url') return { kind: 'mongodb', url: value as string };
	return { kind: 'files', folder: value ?? options.data.default };
}

function serverUrl(text: string): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (!url || !/^https?:$/.test(url.protocol))
		throw new OptionError('--url or ROOMKEY_URL must be http://… or https://…');
	if (url.username || url.password) throw new OptionError('--url must not contain a password');
	return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

/**
 * Refuses a folder without data, so that a mistyped name makes no new one.
 * @throws StoreError
 */
export function requireData(choice: StoreChoice): void {
	if (choice.kind !== 'files') return;
	if ([MANIFEST, DATA_FILE].some((name) => existsSync(join(resolve(choice.folder), name)))) return;
	throw new StoreError(
		'unusable',
		`The folder ${choice.folder} holds no data of Roomkey. Name another with --data, or a database with --mongo-url, or a server with --url.`,
	);
}

/**
 * Runs a task as an admin of the place that the flags name, and says which place it is.
 * @param mayCreate whether a folder without data becomes a new one
 */
export async function withAdmin(
	input: Input,
	io: Io,
	run: (admin: Admin) => Promise<void>,
	{ mayCreate = false } = {},
): Promise<void> {
	const place = placeOf(input);
	const admin = await open(place, input, io, mayCreate);
	io.note(admin.where);
	try {
		await run(admin);
	} finally {
		await admin.close();
	}
}

async function open(place: Place, input: Input, io: Io, mayCreate: boolean): Promise<Admin> {
	if (place.kind === 'server') {
		const { connectAdmin } = await import('./remoteAdmin.js');
		return connectAdmin(place.url, { login: input.given('login'), tokenFile: input.text('token-file') }, io);
	}
	for (const name of ['login', 'token-file'] as const) {
		if (input.given(name) !== undefined) throw new OptionError(`--${name} is for a server: add --url`);
	}
	if (!mayCreate) requireData(place.choice);
	const { openAdmin } = await import('./directAdmin.js');
	return openAdmin(place.choice, io.env);
}
