/** The options of `createServer`. */
import type { Server as HttpServer } from 'node:http';
import type { Catalogue } from '../../shared/catalogue.js';
import type { CollectionDefinition } from '../../shared/collections.js';
import type { LoginHandler } from '../../shared/context.js';
import type { Limit, RateRule } from '../../shared/limit.js';
import type { Log } from '../../shared/log.js';
import type { OptionName, OptionValues } from './options.js';

type CamelCase<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<CamelCase<B>>}` : S;

/** Settings that only the command has. In `createServer`, the option `store` names the location of the data. */
export const COMMAND_SETTINGS = ['config', 'data', 'memory', 'mongo-url'] as const;

export type CommandSetting = (typeof COMMAND_SETTINGS)[number];

/** The settings that `createServer` shares with the command, with the same defaults. `--max-body` is named `maxBody`. */
export type ProgramSettings = {
	[N in Exclude<OptionName, CommandSetting | 'limits'> as CamelCase<N>]?: OptionValues[N];
};

/** Where the data is stored. Default `{ data: 'roomkey-data' }`. */
export type StoreOption =
	/** In memory; it is lost when the server closes. */
	| { readonly memory: true }
	/** In files in this folder. Needs the package `lmdb`. */
	| { readonly data: string }
	/** In this MongoDB. */
	| { readonly mongoUrl: string };

/** The options of `createServer` that are not settings. */
export interface Parts extends Partial<Omit<Catalogue, 'limits'>> {
	/**
	 * Rules for rate limits. Or limits by method, which replace those in definitions: `5/60s`,
	 * `{ calls: 5, per: 60_000 }`, or `off`.
	 */
	readonly limits?: readonly RateRule[] | Readonly<Record<string, Limit | string | null>>;
	readonly collections?: readonly CollectionDefinition[];
	/** Whether users can log in: `login`, `logout`, `createUser`, tokens. Default true. */
	readonly accounts?: boolean;
	/** Whether the server has Rocket.Chat's key service, with its rooms and users. Default false. */
	readonly keys?: boolean;
	/** Ways to log in other than by password, in the order in which they are tried. */
	readonly loginHandlers?: readonly LoginHandler[];
	/** Permissions of the application. Each has a list of the roles that hold it, until an admin changes this list. */
	readonly permissions?: Readonly<Record<string, readonly string[]>>;
	readonly store?: StoreOption;
	/** Default: a log on stderr, by `logLevel` and `logFormat`. */
	readonly log?: Log;
	/** The HTTP server to use, which the application starts and stops. Default: Roomkey creates one. */
	readonly server?: HttpServer;
	/** False: the server does not listen, and the application calls `handle` and `upgrade`. Default true. */
	readonly listen?: boolean;
}

export type ServerOptions = ProgramSettings & Parts;
