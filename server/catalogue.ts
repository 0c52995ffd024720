/** Joins the definitions of a server into its catalogue, and prepares publications and connection listeners. */
import type { Catalogue } from '../shared/catalogue.js';
import type { Log } from '../shared/log.js';
import type { Connection, Method } from '../shared/method.js';
import type { Publication, Strategy } from '../shared/publication.js';
import { callListener } from './core/callListener.js';
import type { Publications } from './ddp/publications/subscriptions.js';
import { Faults } from './options/faults.js';
import { requireFreeNames } from './options/freeNames.js';
import type { MethodLimits } from './options/limits.js';
import { OptionError } from './options/optionError.js';
import { similarName } from './options/similarName.js';

export type { Catalogue };

/**
 * Joins the definitions of an application with those of accounts and of the key service, as far as these are switched
 * on.
 * @param changedLimits limits that replace those in definitions
 * @param limitsFrom where `changedLimits` come from, for the error text
 * @throws OptionError that names every taken name, and every limit of a method that does not exist
 */
export async function catalogueOf(
	application: Partial<Catalogue> & { readonly accounts?: boolean; readonly keys?: boolean },
	changedLimits: MethodLimits = {},
	limitsFrom = 'limits',
): Promise<Catalogue> {
	const { accounts = true, keys = false } = application;
	const parts: Partial<Catalogue>[] = [
		...(accounts ? [await import('../methods/accounts/index.js')] : []),
		...(keys ? [(await import('../methods/index.js')).keyService] : []),
	];
	const faults = new Faults();
	for (const key of ['methods', 'publications', 'streams'] as const) {
		// Universal publications have no name.
		const names = (application[key] ?? []).flatMap(({ name }) => name ?? []);
		const takenNames = parts.flatMap((part) => (part[key] ?? []).map(({ name }) => name));
		faults.try(() => requireFreeNames(key, names, new Set(takenNames)));
	}
	parts.push(application);
	const concat = <K extends 'methods' | 'publications' | 'streams' | 'limits'>(key: K) =>
		parts.flatMap((part) => (part[key] ?? []) as readonly NonNullable<Catalogue[K]>[number][]);
	const methods = faults.try(() => withLimits(concat('methods'), changedLimits, limitsFrom)) ?? [];
	faults.throwIfAny();
	return {
		...application,
		methods,
		publications: concat('publications'),
		streams: concat('streams'),
		limits: concat('limits'),
	};
}

function withLimits(methods: readonly Method[], limits: MethodLimits, limitsFrom: string): readonly Method[] {
	const names = new Set(methods.map(({ name }) => name));
	const unknown = Object.keys(limits).filter((name) => !names.has(name));
	const faults = unknown.map((name) => {
		const similar = similarName(name, [...names]);
		return `${limitsFrom}: there is no method '${name}'${similar === undefined ? '' : `; did you mean '${similar}'?`}`;
	});
	if (faults.length > 0) throw OptionError.of(faults);
	if (Object.keys(limits).length === 0) return methods;
	return methods.map((method) => {
		if (!Object.hasOwn(limits, method.name)) return method;
		// `null` removes the limit.
		return Object.freeze({ ...method, limit: limits[method.name] ?? undefined });
	});
}

/**
 * Indexes publications by name. A publication without a name is universal: every client receives it.
 * @throws Error if two publications have the same name
 */
export function publicationsOf(
	publications: readonly Publication[],
	strategies: Readonly<Record<string, Strategy>> = {},
): Publications {
	const named = new Map<string, Publication>();
	const universal: Publication[] = [];
	for (const publication of publications) {
		if (publication.name === null) universal.push(publication);
		else if (named.has(publication.name)) throw new Error(`There are two publications named '${publication.name}'`);
		else named.set(publication.name, publication);
	}
	const strategyByName = new Map(Object.entries(strategies));
	return { named, universal, strategyOf: (collection) => strategyByName.get(collection) ?? 'SERVER_MERGE' };
}

/**
 * Combines the listeners for connections into one. An error of a listener is logged, and the others are still called.
 * @returns undefined if there are no listeners
 */
export function connectionListener(
	{ onConnection = [] }: Catalogue,
	log: Log,
): ((connection: Connection) => void) | undefined {
	if (onConnection.length === 0) return undefined;
	const logFailure = (err: unknown) => log.error({ err }, 'Exception in an onConnection callback');
	return (connection) => {
		for (const listener of onConnection) void callListener(() => listener(connection), logFailure);
	};
}
