/** Puts the catalogue of a server together, and prepares its parts. */
import type { Catalogue } from '../shared/catalogue.js';
import type { Log } from '../shared/log.js';
import type { Connection, Method } from '../shared/method.js';
import type { Publication, Strategy } from '../shared/publication.js';
import type { Publications } from './ddp/publications/subscriptions.js';
import { requireFreeNames } from './options/freeNames.js';
import { OptionError } from './options/kinds.js';
import type { MethodLimits } from './options/limits.js';

export type { Catalogue };

/**
 * What an application offers, with accounts and the key service as it wishes.
 * @param changedLimits limits that replace those in definitions
 * @throws OptionError for an own definition with the name of another, and for limits of methods that do not exist
 */
export async function catalogueOf(
	own: Partial<Catalogue> & { readonly accounts?: boolean; readonly keys?: boolean },
	changedLimits: MethodLimits = {},
): Promise<Catalogue> {
	const { accounts = true, keys = false } = own;
	const parts: Partial<Catalogue>[] = [
		...(accounts ? [await import('../methods/accounts/index.js')] : []),
		...(keys ? [(await import('../methods/index.js')).keyService] : []),
	];
	for (const key of ['methods', 'publications', 'streams'] as const) {
		const names = (own[key] ?? []).flatMap(({ name }) => name ?? []);
		requireFreeNames(key, names, new Set(parts.flatMap((part) => (part[key] ?? []).map(({ name }) => name))));
	}
	parts.push(own);
	const all = <K extends 'methods' | 'publications' | 'streams' | 'limits'>(key: K) =>
		parts.flatMap((part) => (part[key] ?? []) as readonly NonNullable<Catalogue[K]>[number][]);
	return {
		...own,
		methods: withLimits(all('methods'), changedLimits),
		publications: all('publications'),
		streams: all('streams'),
		limits: all('limits'),
	};
}

/**
 * Replaces the limits of some methods.
 * @throws OptionError that names all methods that do not exist
 */
export function withLimits(methods: readonly Method[], limits: MethodLimits): readonly Method[] {
	const names = new Set(methods.map(({ name }) => name));
	const unknown = Object.keys(limits).filter((name) => !names.has(name));
	if (unknown.length > 0) throw OptionError.of(unknown.map((name) => `limits: there is no method '${name}'`));
	if (Object.keys(limits).length === 0) return methods;
	return methods.map((method) => {
		if (!Object.hasOwn(limits, method.name)) return method;
		return Object.freeze({ ...method, limit: limits[method.name] ?? undefined });
	});
}

/**
 * Indexes publications by name.
 * @throws Error if two have one name
 */
export function publicationsOf(
	all: readonly Publication[],
	strategies: Readonly<Record<string, Strategy>> = {},
): Publications {
	const named = new Map<string, Publication>();
	const universal: Publication[] = [];
	for (const publication of all) {
		if (publication.name === null) universal.push(publication);
		else if (named.has(publication.name)) throw new Error(`There are two publications named '${publication.name}'`);
		else named.set(publication.name, publication);
	}
	const strategyByName = new Map(Object.entries(strategies));
	return { named, universal, strategyOf: (collection) => strategyByName.get(collection) ?? 'SERVER_MERGE' };
}

/**
 * Combines the listeners for connections into one. Errors of a listener are logged, and the other listeners are still
 * called. Undefined if there are none.
 */
export function connectionListener(
	{ onConnection = [] }: Catalogue,
	log: Log,
): ((connection: Connection) => void) | undefined {
	if (onConnection.length === 0) return undefined;
	const failed = (err: unknown) => log.error({ err }, 'Exception in an onConnection callback');
	return (connection) => {
		for (const listener of onConnection) {
			try {
				listener(connection)?.catch(failed);
			} catch (err) {
				failed(err);
			}
		}
	};
}
