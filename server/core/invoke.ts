/** The one way of a call, whatever it came in by (DESIGN section 2, "The way of a call"). */
import { type ClientError, clientError, MatchError, notFound, toClientError } from '../../shared/errors.js';
import { checkArgs, type Method } from '../../shared/method.js';
import type { Caller } from './caller.js';
import type { DeadlineClock } from './deadlines.js';
import type { IdempotencyCache } from './idempotency.js';
import { Invocation, type Services } from './invocation.js';
import type { RateLimits } from './limits/rate.js';
import { logThrown } from './logThrown.js';

export interface Invoker {
	/** The method of that name. */
	get(name: string): Method | undefined;
	/**
	 * Calls a method: counts the call, checks its arguments in order, then demands a user, then runs it.
	 * @param params arguments in the order of the definition; absent ones are undefined, those too many ignored
	 * @returns what the method returns
	 * @throws ClientError or MatchError, nothing else: whatever else a method throws is logged and becomes 500
	 */
	invoke(name: string, params: readonly unknown[], caller: Caller): Promise<unknown>;
}

/**
 * Makes the one invoker of a server.
 * @param limits those of these methods, and more; none where they are left out
 * @param once what remembers calls; none are where it is left out
 * @throws Error where two methods have one name
 */
export function createInvoker(
	methods: readonly Method[],
	services: Services,
	limits?: RateLimits,
	once?: IdempotencyCache,
): Invoker {
	const { deadlines } = services;
	// A Map, so that `toString` or `__proto__` is a method as unknown as any other (`test/contract/ddp.md` section 19).
	const byName = new Map<string, Method>();
	for (const method of methods) {
		if (byName.has(method.name)) throw new Error(`A method named '${method.name}' is already defined`);
		byName.set(method.name, method);
	}

	/** The call itself; it has been counted. */
	async function run(method: Method, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const { name } = method;
		try {
			const args = checkArgs(method, params);
			if (!method.anonymous && caller.userId === null) throw clientError('invalidUser', { method: name });
			// Awaited here, so that what it throws is caught.
			if (method.once && once?.appliesTo(caller)) return await runOnce(once, method, args, caller);
			const invocation = new Invocation(name, caller, invoke, limits, services);
			return await deadlines.limit(
				method.timeout,
				(clock) => invocation.run(method, args, clock),
				() => invocation.expire(),
			);
		} catch (thrown) {
			throw presentable(thrown, name);
		}
	}

	/**
	 * A call that is remembered. When time is up for whoever made it, it goes on, as it may have written already; who then
	 * asks again waits for its outcome.
	 */
	function runOnce(
		memory: IdempotencyCache,
		method: Method,
		args: Record<string, unknown>,
		caller: Caller,
	): Promise<unknown> {
		const { name, timeout } = method;
		let invocation: Invocation | undefined;
		const answer = (clock: DeadlineClock) =>
			memory.answer({ method: name, args, caller, timeout }, (first) => {
				invocation = new Invocation(name, caller, invoke, limits, services, first);
				return invocation.run(method, args, clock);
			});
		return deadlines.limit(timeout, answer, () => invocation?.expire());
	}

	/** What the caller gets for what was thrown. What no caller may see is logged. */
	function presentable(thrown: unknown, name: string): ClientError | MatchError {
		logThrown(services, { method: name }, `Exception while invoking method '${name}'`, thrown);
		return thrown instanceof MatchError ? thrown : toClientError(thrown);
	}

	function invoke(name: string, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const method = byName.get(name);
		if (!method) return Promise.reject(notFound('Method', name));
		const counting = caller.isNested ? undefined : limits?.count('method', name, caller);
		return counting ? counting.then(() => run(method, params, caller)) : run(method, params, caller);
	}

	return { get: (name) => byName.get(name), invoke };
}
