/** Roomkey without a server: methods called as functions, on a store of their own. */
import { methods as catalogue } from '../../methods/index.js';
import { createDeadlines } from '../../server/deadlines.js';
import { type Bus, createBus } from '../../server/events/bus.js';
import { type Caller, createInvoker } from '../../server/invoke.js';
import type { Method, Settings } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from './log.js';
import type { Person } from './people.js';
import { openTestStore } from './store.js';

export const settings: Settings = { loginExpirationInDays: 90 };

export interface TestRoomkey {
	readonly store: Store;
	readonly bus: Bus;
	readonly log: ReturnType<typeof memoryLog>;
	/** Calls a method as this person, or as nobody. More of the caller can be told. */
	call(as: Person | null, name: string, ...params: unknown[]): Promise<unknown>;
	callAs(caller: Partial<Caller>, name: string, ...params: unknown[]): Promise<unknown>;
	close(): Promise<void>;
}

/** Opens Roomkey with the methods of the catalogue, or others. */
export async function openRoomkey(methods: readonly Method[] = catalogue): Promise<TestRoomkey> {
	const { store, close } = await openTestStore();
	const log = memoryLog();
	const bus = createBus(log);
	const invoker = createInvoker(methods, { store, bus, settings, log, deadlines: createDeadlines() });
	const callAs: TestRoomkey['callAs'] = (caller, name, ...params) =>
		invoker.invoke(name, params, { userId: null, hashedToken: null, connection: null, ...caller });
	return {
		store,
		bus,
		log,
		callAs,
		call: (as, name, ...params) => callAs({ userId: as?.id ?? null }, name, ...params),
		close,
	};
}
