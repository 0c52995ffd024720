/** Finds what a command works on, a store or a running server, and opens it. */
import { resolve } from 'node:path';
import { requireDataIn } from '../dataFolder/manifest.js';
import { Faults } from '../options/faults.js';
import { OptionError } from '../options/optionError.js';
import { checked } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import type { StoreChoice } from '../store/open.js';
import type { Admin } from './admin.js';
import { thenClose } from './closing.js';
import type { Input, Io } from './command.js';
import { readConfigFile } from './configFile.js';

/** A store that commands can open. */
export type StoredChoice = Exclude<StoreChoice, { kind: 'memory' }>;

export type Target =
	| { readonly kind: 'server'; readonly url: string }
	| { readonly kind: 'store'; readonly choice: StoredChoice };

/**
 * The server or store that the flags name, or else the environment, the configuration file or the default folder. In
 * the environment, a server takes precedence over stores.
 * @throws OptionError if the flags name several, or another source names several stores
 */
export function targetOf(input: Input): Target {
	const flags = ['data', 'mongo-url', 'url'] as const;
	const givenFlags = flags.filter((name) => input.flag(name) !== undefined);
	if (givenFlags.length > 1)
		throw new OptionError(`choose one of ${givenFlags.map((name) => `--${name}`).join(' and ')}`);
	const [flag] = givenFlags;
	const url = flag === 'data' || flag === 'mongo-url' ? undefined : input.flagOrVariable('url');
	if (url !== undefined) return { kind: 'server', url: serverUrl(url) };
	return { kind: 'store', choice: storeOf(input) };
}

/**
 * As `targetOf`, for stores only.
 * @throws OptionError if one source names several stores
 */
export function storeOf(input: Input): StoredChoice {
	const names = ['data', 'mongo-url'] as const;
	const byFlag = names.filter((name) => input.flag(name) !== undefined);
	if (byFlag.length > 1) throw new OptionError('choose one of --data and --mongo-url');
	const named = byFlag.length > 0 ? byFlag : names.filter((name) => input.flagOrVariable(name));
	if (named.length > 1)
		throw new OptionError(
			'choose one of ROOMKEY_DATA and MONGO_URL: both are set. --data or --mongo-url takes precedence over them',
		);
	const [name] = named;
	if (name === undefined) return storeOfFile(input.flagOrVariable('config'));
	const value = input.flagOrVariable(name);
	if (!value) throw new OptionError(`--${name} must not be empty`);
	return name === 'data' ? { kind: 'files', folder: value } : { kind: 'mongodb', url: value };
}

/** The store that a configuration file names. Other settings in the file are ignored. */
function storeOfFile(path: string | undefined): StoredChoice {
	const values = path === undefined ? new Map() : readConfigFile(path, new Faults());
	if (values.get('memory') === true || values.get('demo') === true)
		throw new OptionError(`${path} is for a server with its data in memory: name that server with --url`);
	const [data, url] = [values.get('data'), values.get('mongo-url')];
	if (data !== undefined && url !== undefined) throw new OptionError(`${path} has both 'data' and 'mongo-url'`);
	if (url !== undefined)
		return { kind: 'mongodb', url: checked(options['mongo-url'], url, `${path}: 'mongo-url'`) as string };
	return {
		kind: 'files',
		folder: data === undefined ? options.data.default : checked(options.data, data, `${path}: 'data'`),
	};
}

/**
 * Checks the address of a server, and removes a slash at its end.
 * @throws OptionError if it is no HTTP address, or contains a user name or password
 */
export function serverUrl(text: string): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (!url || !/^https?:$/.test(url.protocol))
		throw new OptionError('--url or ROOMKEY_URL must be http://… or https://…');
	if (url.username || url.password) throw new OptionError('--url must not contain a password');
	return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

/**
 * Refuses a folder without data, so that a mistyped name does not create a data folder.
 * @param alternatives to `--data`, for the error text
 * @throws StoreError if the folder has no data
 */
export function requireData(
	choice: StoreChoice,
	alternatives = 'or a database with --mongo-url, or a server with --url',
): void {
	if (choice.kind !== 'files') return;
	requireDataIn(resolve(choice.folder), ` Name another with --data, ${alternatives}.`);
}

interface DirectOptions {
	/** Whether a folder without data becomes a data folder. Default: no. */
	readonly mayCreateFolder?: boolean;
	/** Added to the error of a folder that a server is using. */
	readonly inUseNote?: string;
}

/** Runs a task as an admin of the server or store that the flags name. */
export async function withAdmin(
	input: Input,
	io: Io,
	run: (admin: Admin) => Promise<void>,
	options: DirectOptions = {},
): Promise<void> {
	const target = targetOf(input);
	const admin = await openAdminAt(target, input, io, options);
	io.note(admin.where);
	await thenClose(
		() => run(admin),
		() => admin.close(),
	);
}

async function openAdminAt(
	target: Target,
	input: Input,
	io: Io,
	{ mayCreateFolder = false, inUseNote }: DirectOptions,
): Promise<Admin> {
	if (target.kind === 'server') {
		const { connectAdmin } = await import('./remoteAdmin.js');
		return connectAdmin(target.url, { login: input.flag('login'), tokenFile: input.flagOrVariable('token-file') }, io);
	}
	for (const name of ['login', 'token-file'] as const) {
		if (input.flag(name) !== undefined) throw new OptionError(`--${name} is for a server: add --url`);
	}
	if (!mayCreateFolder) requireData(target.choice);
	const { openAdmin } = await import('./directAdmin.js');
	const { commandLog } = await import('./commandLog.js');
	return openAdmin(target.choice, io.env, commandLog(input, io), inUseNote);
}
