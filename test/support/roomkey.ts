/** Roomkey without a server: methods called as functions, on a store of their own. */
import * as catalogue from '../../methods/index.js';
import type { Catalogue } from '../../server/catalogue.js';
import { type Bus, createBus } from '../../server/cluster/bus.js';
import { publishChanges } from '../../server/cluster/publishChanges.js';
import type { Caller } from '../../server/core/caller.js';
import { createIdempotencyCache } from '../../server/core/idempotency.js';
import { createInvoker } from '../../server/core/invoke.js';
import { createRateLimits } from '../../server/core/limits/rate.js';
import { sharedCounters } from '../../server/core/limits/sharedCounters.js';
import type { ExpiringCacheOptions } from '../../shared/expiringCache.js';
import type { Method, Settings } from '../../shared/method.js';
import { declareShared, type Store } from '../../shared/store.js';
import { checkingDeclarations } from './declared.js';
import { memoryLog } from './log.js';
import type { Person } from './people.js';
import { type OpenStore, openTestStore } from './store.js';

export const settings: Settings = {
	signUps: false,
	leaseTime: 10_000,
	strictKeys: false,
	strictKeyIds: true,
	identitySecondFactor: false,
	confirmLastKeyHolder: false,
};

export interface TestRoomkey {
	readonly store: Store;
	readonly bus: Bus;
	readonly log: ReturnType<typeof memoryLog>;
	/** Calls a method as a person; null: a caller who is not logged in. */
	call(as: Person | null, name: string, ...params: unknown[]): Promise<unknown>;
	/** Calls a method as a caller with any properties. */
	callAs(caller: Partial<Caller>, name: string, ...params: unknown[]): Promise<unknown>;
	close(): Promise<void>;
}

interface OtherOptions extends Pick<Catalogue, 'limits' | 'limitMessage'> {
	readonly rateLimit?: 'on' | 'dry-run';
	/** For the cache of answers to repeated calls. */
	readonly once?: Partial<ExpiringCacheOptions>;
	/** A store that several Roomkeys share. The test closes it. */
	readonly shared?: OpenStore;
}

/**
 * Opens Roomkey without a server. Calls have no rate limits unless `rateLimit` is given.
 * @param changed the settings and options that are not the default
 */
export async function openRoomkey(
	methods: readonly Method[] = catalogue.methods,
	changed: Partial<Settings> & OtherOptions = {},
	wrapStore = (store: Store) => store,
): Promise<TestRoomkey> {
	const log = memoryLog();
	const bus = createBus(log);
	const { rateLimit, limits: rules = catalogue.limits, limitMessage, once, shared, ...otherSettings } = changed;
	const offered = { methods, publications: [], limits: rules };
	if (shared) declareShared(shared.store);
	const counters = shared && sharedCounters(shared.store, log);
	// Made before the store is opened, because it throws for wrong rules.
	const limits = rateLimit && createRateLimits(offered, { mode: rateLimit, log, message: limitMessage, counters });
	const { store, onChange, close } = shared ?? (await openTestStore());
	const stopExchanging = counters?.start();
	publishChanges(onChange, bus);
	const invoker = createInvoker(
		checkingDeclarations(methods),
		{
			store: wrapStore(store),
			bus,
			settings: { ...settings, ...otherSettings },
			log,
		},
		limits,
		createIdempotencyCache({ ttl: 120_000, max: 1000, ...once, store, log }),
	);
	const callAs: TestRoomkey['callAs'] = (caller, name, ...params) =>
		invoker.invoke(name, params, { userId: null, hashedToken: null, connection: null, clientAddress: null, ...caller });
	return {
		store,
		bus,
		log,
		callAs,
		call: (as, name, ...params) => callAs({ userId: as?.id ?? null }, name, ...params),
		async close() {
			await stopExchanging?.();
			if (!shared) await close();
		},
	};
}
