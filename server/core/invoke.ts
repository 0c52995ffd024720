/** Invokes methods, independently of the transport. */
import { type ClientError, clientError, MatchError, MethodError, toClientError } from '../../shared/errors.js';
import { checkArgs, type Method } from '../../shared/method.js';
import type { Caller } from './caller.js';
import { createCallStoreFactory } from './callStore.js';
import type { IdempotencyCache, InFlight } from './idempotency.js';
import { Invocation, type Services } from './invocation.js';
import type { RateLimits } from './limits/rate.js';
import { LoginLanes } from './loginLanes.js';
import { logThrown } from './logThrown.js';
import { type CallObserver, type CallOutcome, outcomeOf } from './observer.js';
import { refuseUnknown } from './refuseUnknown.js';
import { type TimeoutClock, withTimeout } from './timeout.js';

export interface Invoker {
	get(name: string): Method | undefined;
	/**
	 * Calls a method: counts the call, checks its arguments in order, then requires a user, then runs it.
	 * @param params arguments in the order of the definition; absent ones are undefined, surplus ones are ignored
	 * @throws ClientError or MatchError; any other error becomes 500, or 503 if the store is unavailable
	 */
	invoke(name: string, params: readonly unknown[], caller: Caller): Promise<unknown>;
}

/**
 * Maximum nesting of calls. Methods that call each other without end would block the event loop. No timer would fire,
 * so no time limit would end them.
 */
const MAX_DEPTH = 100;

interface Entry {
	readonly method: Method;
	readonly callObserver: CallObserver;
}

/**
 * Makes the invoker of a server.
 * @throws Error if two methods have one name
 */
export function createInvoker(
	methods: readonly Method[],
	services: Services,
	limits?: RateLimits,
	idempotencyCache?: IdempotencyCache,
): Invoker {
	// A Map, so that `toString` and `__proto__` are unknown methods (`test/contract/ddp.md` section 19).
	const byName = new Map<string, Entry>();
	const { observer } = services;
	const runInContext = observer?.runCall;
	const createCallStore = createCallStoreFactory(services.store);
	const loginLanes = new LoginLanes(services.observer);
	for (const method of methods) {
		if (byName.has(method.name)) throw new Error(`A method named '${method.name}' is already defined`);
		byName.set(method.name, { method, callObserver: observer?.observeCalls(method.name, method) ?? {} });
	}

	async function run({ method, callObserver }: Entry, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const { name, timeout } = method;
		const startedAt = performance.now();
		let outcome: CallOutcome = 'ok';
		let result: unknown;
		let error: ClientError | MatchError | undefined;
		let invocation: Invocation | undefined;
		let hasTimedOut = false;
		const onTimeout = () => {
			hasTimedOut = true;
			invocation?.onTimeout();
		};
		const runMethod = (args: Record<string, unknown>, clock: TimeoutClock, inFlight?: InFlight) => {
			invocation = new Invocation(name, caller, invoke, limits, services, createCallStore, loginLanes, inFlight);
			// The cache may have waited for the store until the time was over.
			if (hasTimedOut) invocation.onTimeout();
			return invocation.run(method, args, clock);
		};
		try {
			const isCounted = !caller.isNested && caller.transport !== 'program';
			const counting = isCounted ? limits?.count('method', name, caller) : undefined;
			if (counting) await counting;
			const args = checkArgs(method, params);
			if (!method.anonymous && caller.userId === null) throw clientError('invalidUser');
			const cache = method.once && idempotencyCache?.appliesTo(caller) ? idempotencyCache : undefined;
			// A call that ends after its time limit may have written something, so the cache keeps its outcome too.
			const begin = (clock: TimeoutClock) =>
				cache
					? cache.answer({ method: name, args, caller, timeout }, (inFlight) => runMethod(args, clock, inFlight))
					: runMethod(args, clock);
			// The wait for the rate limiter does not count towards the time limit.
			const begunAt = counting ? performance.now() : startedAt;
			result = await withTimeout(timeout, begin, onTimeout, begunAt);
			return result;
		} catch (thrown) {
			error = logAndConvert(thrown, name, caller);
			outcome = outcomeOf(error);
			throw error;
		} finally {
			const { counter, onCall } = callObserver;
			if ((counter || onCall) && !caller.isNested) {
				const ms = performance.now() - startedAt;
				counter?.add(caller.transport ?? 'program', outcome, ms);
				const { about } = invocation ?? {};
				onCall?.({ method: name, definition: method, caller, params, outcome, ms, about, result, thrown: error });
			}
		}
	}

	/** @returns the error that the caller receives */
	function logAndConvert(thrown: unknown, name: string, caller: Caller): ClientError | MatchError {
		logThrown(services, { method: name }, `Exception while invoking method '${name}'`, thrown, caller);
		try {
			if (thrown instanceof MethodError) return thrown.forMethod(name);
			return thrown instanceof MatchError ? thrown : toClientError(thrown);
		} catch {
			// The value cannot be read, such as a revoked Proxy.
			return clientError('internal');
		}
	}

	function invoke(name: string, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const entry = byName.get(name);
		if (!entry) return Promise.reject(refuseUnknown(observer, name, caller));
		if ((caller.depth ?? 0) > MAX_DEPTH) {
			return Promise.reject(new Error(`Methods call each other more than ${MAX_DEPTH} deep; the last is '${name}'`));
		}
		if (!runInContext || caller.isNested) return run(entry, params, caller);
		return runInContext({ method: name, definition: entry.method, caller, params }, () => run(entry, params, caller));
	}

	return { get: (name) => byName.get(name)?.method, invoke };
}
