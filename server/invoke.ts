/** The one way of a call, whatever it came in by (DESIGN section 2, "The way of a call"). */
import { clone } from '../shared/ejson.js';
import { type ClientError, isClientSafe, MatchError, notFound, refusal, toClientError } from '../shared/errors.js';
import type { EventName, EventPayloads, Events } from '../shared/events.js';
import type { Log } from '../shared/log.js';
import {
	type Connection,
	checkArgs,
	type Method,
	type MethodContext,
	type SecondFactor,
	type Settings,
} from '../shared/method.js';
import { createRandomSource, type RandomSource } from '../shared/random.js';
import type { Store } from '../shared/store.js';
import type { Caller } from './caller.js';
import type { Deadlines } from './deadlines.js';
import type { Bus } from './events/bus.js';
import type { RateLimits } from './limits/rate.js';
import type { FirstCall, Once } from './once.js';

/** What every method can use. */
export interface Services {
	readonly store: Store;
	readonly bus: Bus;
	readonly settings: Settings;
	readonly log: Log;
	readonly deadlines: Deadlines;
}

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

class Invocation implements MethodContext, Events {
	readonly store: Store;
	readonly settings: Settings;
	readonly log: Log;
	userId: string | null;
	hashedToken: string | null;
	#unblocked = false;
	#controller: AbortController | undefined;
	#random: RandomSource | undefined;

	constructor(
		readonly name: string,
		private readonly caller: Caller,
		private readonly callWithin: Invoker['invoke'],
		private readonly limits: RateLimits | undefined,
		private readonly services: Services,
		private readonly first?: FirstCall,
	) {
		this.userId = caller.userId;
		this.hashedToken = caller.hashedToken;
		this.store = services.store;
		this.settings = services.settings;
		this.log = services.log;
	}

	get connection(): Connection | null {
		return this.caller.connection;
	}

	get secondFactor(): SecondFactor | null {
		return this.caller.secondFactor ?? null;
	}

	get randomSeed(): string | null {
		return this.caller.randomSeed ?? null;
	}

	get random(): RandomSource {
		this.#random ??= createRandomSource(this.randomSeed);
		return this.#random;
	}

	/** Made when it is first asked for: most methods are done before anyone could lose interest. */
	get signal(): AbortSignal {
		this.#controller ??= new AbortController();
		const { signal } = this.#controller;
		// Of a call that is remembered, somebody may ask for the outcome later.
		return this.caller.signal && !this.first ? AbortSignal.any([this.caller.signal, signal]) : signal;
	}

	abort(): void {
		this.#controller ??= new AbortController();
		this.#controller.abort();
	}

	get events(): Events {
		return this;
	}

	emit<N extends EventName>(name: N, payload: EventPayloads[N]): void {
		const settled = this.services.bus.publish(name, payload);
		if (settled) this.#wrote(settled);
	}

	#wrote(settled: Promise<unknown>): void {
		this.caller.wrote?.(settled);
		this.first?.wrote(settled);
	}

	/** `contract/ddp.md` section 12. */
	async setUserId(userId: string | null, hashedToken: string | null = null, expires?: Date): Promise<void> {
		if (userId !== null && typeof userId !== 'string')
			throw new Error(`setUserId must be called on string or null, not ${typeof userId}`);
		if (this.#unblocked) throw new Error("Can't call setUserId in a method after calling unblock");
		// Its caller was told that it failed.
		if (this.#controller?.signal.aborted) throw new Error("Can't call setUserId in a method that took too long");
		if (!this.caller.setUserId) throw new Error("Can't call setUserId on a server initiated method call");
		this.userId = userId;
		this.hashedToken = hashedToken;
		await this.caller.setUserId(userId, hashedToken, expires);
	}

	unblock(): void {
		if (this.#unblocked) return;
		this.#unblocked = true;
		this.caller.unblock?.();
	}

	attempt<T>(account: string, run: () => Promise<T>): Promise<T> {
		return this.limits ? this.limits.attempt(account, this.name, this.caller, run) : run();
	}

	/** A call within a call has the same user and connection; its `setUserId` is ours, its `unblock` does nothing. */
	async call(name: string, ...args: unknown[]): Promise<unknown> {
		const { userId, hashedToken, connection } = this;
		const result = await this.callWithin(name, clone(args), {
			userId,
			hashedToken,
			connection,
			clientAddress: this.caller.clientAddress,
			randomSeed: this.random.seedFor(name),
			secondFactor: this.caller.secondFactor,
			setUserId: (id, token, expires) => this.setUserId(id, token ?? undefined, expires),
			wrote: (settled) => this.#wrote(settled),
			signal: this.signal,
		});
		return clone(result);
	}
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
	once?: Once,
): Invoker {
	const { log, deadlines } = services;
	// A Map, so that `toString` or `__proto__` is a method as unknown as any other (`contract/ddp.md` section 19).
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
			if (!method.anonymous && caller.userId === null) throw refusal('invalidUser', { method: name });
			// Awaited here, so that what it throws is caught.
			if (method.once && once?.covers(caller)) return await runOnce(once, method, args, caller);
			const invocation = new Invocation(name, caller, callWithin, limits, services);
			return await deadlines.limit(
				method.timeout,
				async () => method.run(args, invocation),
				() => invocation.abort(),
			);
		} catch (thrown) {
			throw presentable(thrown, name);
		}
	}

	/**
	 * A call that is remembered. When time is up for whoever made it, it goes on, as it may have written already; who then
	 * asks again waits for its outcome.
	 */
	function runOnce(memory: Once, method: Method, args: Record<string, unknown>, caller: Caller): Promise<unknown> {
		const { name, timeout } = method;
		let invocation: Invocation | undefined;
		const run = async (first: FirstCall) => {
			invocation = new Invocation(name, caller, callWithin, limits, services, first);
			return method.run(args, invocation);
		};
		const answer = () => memory.answer({ method: name, args, caller, timeout }, run);
		return deadlines.limit(timeout, answer, () => invocation?.abort());
	}

	/** A call within a call, which is not counted. */
	async function callWithin(name: string, params: readonly unknown[], caller: Caller): Promise<unknown> {
		const method = byName.get(name);
		if (!method) throw notFound('Method', name);
		return run(method, params, caller);
	}

	/** What was thrown, if a caller may be told; else 500, with a line in the log for those who run the server. */
	function presentable(thrown: unknown, name: string): ClientError | MatchError {
		if (thrown instanceof MatchError) {
			// Its text may quote what was sent, and so a password. The path does not.
			log.debug({ method: name, path: thrown.path }, 'Match failed');
			return thrown;
		}
		if (!isClientSafe(thrown)) log.error({ err: thrown, method: name }, `Exception while invoking method '${name}'`);
		return toClientError(thrown);
	}

	return {
		get: (name) => byName.get(name),
		invoke(name, params, caller) {
			const method = byName.get(name);
			if (!method) return Promise.reject(notFound('Method', name));
			const counting = limits?.count('method', name, caller);
			return counting ? counting.then(() => run(method, params, caller)) : run(method, params, caller);
		},
	};
}
