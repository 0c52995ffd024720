/** Roomkey without a server: methods called as functions, on a store of their own. */
import { methods as catalogue } from '../../methods/index.js';
import { createBus } from '../../server/events/bus.js';
import { type Caller, createInvoker } from '../../server/invoke.js';
import { createRateLimits } from '../../server/limits/rate.js';
import type { Events } from '../../shared/events.js';
import type { Method, Settings } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from './log.js';
import type { Person } from './people.js';
import { openTestStore } from './store.js';

export const settings: Settings = { loginExpirationInDays: 90 };

export interface TestRoomkey {
	readonly store: Store;
	readonly events: Events;
	readonly log: ReturnType<typeof memoryLog>;
	/** Calls a method as this person, or as nobody. More of the caller can be told. */
	call(as: Person | null, name: string, ...params: unknown[]): Promise<unknown>;
	callAs(caller: Partial<Caller>, name: string, ...params: unknown[]): Promise<unknown>;
	close(): Promise<void>;
}

/** Opens Roomkey with the methods of the catalogue, or others. Calls are not limited unless it says so. */
export async function openRoomkey(
	methods: readonly Method[] = catalogue,
	rateLimit: 'on' | 'dry-run' | 'off' = 'off',
): Promise<TestRoomkey> {
	const { store, close } = await openTestStore();
	const log = memoryLog();
	const events = createBus(log);
	const limits = rateLimit === 'off' ? undefined : createRateLimits(methods, rateLimit, log);
	const invoker = createInvoker(methods, { store, events, settings, log }, limits);
	const callAs: TestRoomkey['callAs'] = (caller, name, ...params) =>
		invoker.invoke(name, params, { userId: null, hashedToken: null, connection: null, clientAddress: null, ...caller });
	return {
		store,
		events,
		log,
		callAs,
		call: (as, name, ...params) => callAs({ userId: as?.id ?? null }, name, ...params),
		close,
	};
}
