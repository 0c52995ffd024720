/** Invokes methods, independently of the transport: count the call, check arguments, require a user, run. */
import {
	type ClientError,
	clientError,
	MatchError,
	MethodError,
	notFound,
	toClientError,
} from '../../shared/errors.js';
import { checkArgs, type Method } from '../../shared/method.js';
import type { Caller } from './caller.js';
import { createCallStores } from './callStore.js';
import type { IdempotencyCache, InFlight } from './idempotency.js';
import { Invocation, type Services } from './invocation.js';
import type { RateLimits } from './limits/rate.js';
import { LoginLanes } from './loginLanes.js';
import { logThrown } from './logThrown.js';
import { type CallOutcome, outcomeOf, type ServerObserver, UNKNOWN_METHOD } from './observer.js';
import { type TimeoutClock, withTimeout } from './timeout.js';

export interface Invoker {
	/** The method of that name. */
	get(name: string): Method | undefined;
	/**
	 * Calls a method: counts the call, checks its arguments in order, then requires a user, then runs it.
	 * @param params arguments in the order of the definition; absent ones are undefined, surplus ones are ignored
	 * @returns what the method returns
	 * @throws ClientError or MatchError; any other error of a method is logged and becomes 500
	 */
	invoke(name: string, params: readonly unknown[], caller: Caller): Promise<unknown>;
}

/**
 * Makes the invoker of a server.
 * @param limits rate limits of these methods; without them calls are not counted
 * @param once caches the outcomes of calls; without it none is cached
 * @throws Error if two methods have one name
 */
export function createInvoker(
	methods: readonly Method[],
	services: Services,
	limits?: RateLimits,
	once?: IdempotencyCache,
): Invoker {
	// A Map, so that `toString` and `__proto__` are unknown methods like any other (`test/contract/ddp.md` section 19).
	const byName = new Map<string, Method>();
	const stores = createCallStores(services.store);
	const loginLanes = new LoginLanes(services.observer);
	for (const method of methods) {
		if (byName.has(method.name)) throw new Error(`A method named '${method.name}' is already defined`);
		byName.set(method.name, method);
	}

	/** Runs the call after it was counted. */
	async function run(method: Method, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const { name, timeout } = method;
		let invocation: Invocation | undefined;
		const runMethod = (args: Record<string, unknown>, clock: TimeoutClock, first?: InFlight) => {
			invocation = new Invocation(name, caller, invoke, limits, services, stores, loginLanes, first);
			return invocation.run(method, args, clock);
		};
		try {
			const args = checkArgs(method, params);
			if (!method.anonymous && caller.userId === null) throw clientError('invalidUser');
			const cache = method.once && once?.appliesTo(caller) ? once : undefined;
			// A cached call continues after its time limit, because it may have written already; a repeated call gets its
			// outcome.
			const begin = (clock: TimeoutClock) =>
				cache
					? cache.answer({ method: name, args, caller, timeout }, (first) => runMethod(args, clock, first))
					: runMethod(args, clock);
			return await withTimeout(timeout, begin, () => invocation?.expire());
		} catch (thrown) {
			throw logAndConvert(thrown, name, caller);
		}
	}

	/** Logs an error as `logThrown` does. @returns the error that the caller receives */
	function logAndConvert(thrown: unknown, name: string, caller: Caller): ClientError | MatchError {
		logThrown(services, { method: name }, `Exception while invoking method '${name}'`, thrown, caller);
		if (thrown instanceof MethodError) return thrown.forMethod(name);
		return thrown instanceof MatchError ? thrown : toClientError(thrown);
	}

	/** Counts a call, then runs it. */
	function start(name: string, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const method = byName.get(name);
		if (!method) return Promise.reject(notFound('Method', name));
		const isCounted = !caller.isNested && caller.transport !== 'program';
		const counting = isCounted ? limits?.count('method', name, caller) : undefined;
		return counting ? counting.then(() => run(method, params, caller)) : run(method, params, caller);
	}

	/** Runs a call, and reports its end in one object: copying the begun call with `...` took longer than counting it. */
	async function observed(
		observer: ServerObserver,
		name: string,
		params: readonly unknown[],
		caller: Caller,
	): Promise<unknown> {
		const definition = byName.get(name);
		const method = definition ? name : UNKNOWN_METHOD;
		const startedAt = performance.now();
		let result: unknown;
		let outcome: CallOutcome = 'ok';
		let thrown: ClientError | MatchError | undefined;
		try {
			result = observer.runCall
				? await observer.runCall({ method, definition, caller, params }, () => start(name, params, caller))
				: await start(name, params, caller);
		} catch (error) {
			thrown = error as ClientError | MatchError;
			outcome = outcomeOf(thrown);
		}
		observer.onCall({ method, definition, caller, params, outcome, ms: performance.now() - startedAt, result, thrown });
		if (thrown) throw thrown;
		return result;
	}

	function invoke(name: string, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const { observer } = services;
		if (!observer || caller.isNested) return start(name, params, caller);
		return observed(observer, name, params, caller);
	}

	return { get: (name) => byName.get(name), invoke };
}
