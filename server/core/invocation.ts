/** One execution of a method, and the context that the method receives. */
import { setMaxListeners } from 'node:events';
import { collectionsOf, type DeclaredCollections } from '../../shared/collections.js';
import { clone } from '../../shared/ejson.js';
import type { EventPayloads, EventPublisher, EventSource, Events, PublishedEvent } from '../../shared/events.js';
import type { Log } from '../../shared/log.js';
import type {
	AuditedIds,
	Connection,
	LoginLane,
	Method,
	MethodContext,
	SecondFactor,
	Settings,
} from '../../shared/method.js';
import { createRandomSource, type RandomSource } from '../../shared/random.js';
import type { Store } from '../../shared/store.js';
import { bindOnRead } from './bindOnRead.js';
import { type Caller, factsOf } from './caller.js';
import type { CallStoreFactory } from './callStore.js';
import type { InFlight } from './idempotency.js';
import type { RateLimits } from './limits/rate.js';
import type { LoginLanes } from './loginLanes.js';
import type { ServerObserver } from './observer.js';
import type { TimeoutClock } from './timeout.js';

/** Services that the calls of all methods share. */
export interface Services {
	readonly store: Store;
	readonly bus: EventPublisher;
	readonly settings: Settings;
	readonly log: Log;
	/** The level at which calls with arguments of a wrong type are logged. Default `debug`. */
	readonly argumentLogLevel?: 'debug' | 'info';
	readonly observer?: ServerObserver | undefined;
}

/** One call of a method, and its context. It is a class, so that its functions are not created again for every call. */
export class Invocation implements MethodContext, Events, EventSource {
	readonly settings: Settings;
	readonly log: Log;
	userId: string | null;
	hashedToken: string | null;
	/** What the call is about, for its audit event. */
	about: AuditedIds | undefined;
	#timeoutClock: TimeoutClock | undefined;
	#unblocked = false;
	/** Whether the time limit has passed. The caller has then received an error, although the method may still run. */
	#hasTimedOut = false;
	#hasEnded = false;
	#controller: AbortController | undefined;
	#stopFollowing: (() => void) | undefined;
	#random: RandomSource | undefined;
	#collections: DeclaredCollections | undefined;
	#store: Store | undefined;

	constructor(
		readonly name: string,
		private readonly caller: Caller,
		private readonly invoke: (name: string, params: readonly unknown[], caller: Caller) => Promise<unknown>,
		private readonly limits: RateLimits | undefined,
		private readonly services: Services,
		private readonly createCallStore: CallStoreFactory,
		private readonly loginLanes: LoginLanes,
		/** Set for a call whose outcome is kept for a repeated call. */
		private readonly inFlight?: InFlight,
	) {
		this.userId = caller.userId;
		this.hashedToken = caller.hashedToken;
		this.settings = services.settings;
		this.log = services.log;
	}

	get collections(): DeclaredCollections {
		this.#collections ??= collectionsOf(this.store, this.services.store);
		return this.#collections;
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

	/** The store. It reports the writes of this call, so that `updated` waits for their publication. */
	get store(): Store {
		this.#store ??= this.createCallStore((delivered) => this.#onWrite(delivered));
		return this.#store;
	}

	/** Created on first use, because most methods do not need it. */
	get signal(): AbortSignal {
		if (!this.#controller) {
			this.#controller = new AbortController();
			const { signal } = this.caller;
			// A call whose outcome is kept goes on after its caller has disconnected: the caller may repeat the call.
			if (signal && !this.inFlight && !this.#hasEnded) this.#follow(signal, this.#controller);
		}
		return this.#controller.signal;
	}

	#follow(signal: AbortSignal, controller: AbortController): void {
		const abort = () => controller.abort();
		if (signal.aborted) {
			abort();
			return;
		}
		// Node warns about more than ten listeners, and a client may have many calls in progress.
		setMaxListeners(0, signal);
		signal.addEventListener('abort', abort);
		this.#stopFollowing = () => signal.removeEventListener('abort', abort);
	}

	/** Must be called when the time limit has passed. */
	onTimeout(): void {
		this.#hasTimedOut = true;
		this.#controller ??= new AbortController();
		this.#controller.abort();
	}

	async run(method: Method, args: Record<string, unknown>, clock: TimeoutClock): Promise<unknown> {
		this.#timeoutClock = clock;
		try {
			return await method.run(args, this);
		} finally {
			this.#hasEnded = true;
			this.#stopFollowing?.();
			this.#stopFollowing = undefined;
		}
	}

	get events(): Events {
		return this;
	}

	emit<N extends PublishedEvent>(name: N, payload: EventPayloads[N]): void {
		const settled = this.services.bus.publish(name, payload, this);
		if (settled) this.#onWrite(settled);
	}

	facts(): object {
		return { method: this.name, ...factsOf(this.caller) };
	}

	#onWrite(settled: Promise<unknown>): void {
		this.caller.onWrite?.(settled);
		this.inFlight?.onWrite(settled);
	}

	/** Changes the user of the connection (`test/contract/ddp.md` section 12). */
	async setUserId(userId: string | null, hashedToken: string | null = null, expires?: Date): Promise<void> {
		if (userId !== null && typeof userId !== 'string')
			throw new Error(`setUserId must be called on string or null, not ${typeof userId}`);
		this.#requireNoLaterMessage('setUserId');
		if (!this.caller.setUserId) throw new Error("Can't call setUserId on a server initiated method call");
		this.userId = userId;
		this.hashedToken = hashedToken;
		const change = Promise.resolve(this.caller.setUserId(userId, hashedToken, expires));
		// Not part of this call's time limit: the change runs all subscriptions again, each with a time limit of its own.
		await (this.#timeoutClock?.exclude(change) ?? change);
	}

	setToken(hashedToken: string, expires?: Date): void {
		this.#requireNoLaterMessage('setToken');
		this.hashedToken = hashedToken;
		this.caller.setToken?.(hashedToken, expires);
	}

	/** Throws an error if a later message of the connection may have started already. */
	#requireNoLaterMessage(functionName: string): void {
		if (this.#unblocked) throw new Error(`Can't call ${functionName} in a method after calling unblock`);
		if (this.#hasTimedOut) throw new Error(`Can't call ${functionName} in a method that took too long`);
		if (this.#hasEnded) throw new Error(`Can't call ${functionName} in a method that has ended`);
	}

	unblock(): void {
		if (this.#unblocked || !this.caller.unblock) return;
		this.#unblocked = true;
		this.caller.unblock();
	}

	audit(about: AuditedIds): void {
		this.about = { ...this.about, ...about };
		// A nested call has no audit event of its own.
		this.caller.audit?.(about);
	}

	attempt<T>(account: string, run: () => Promise<T>): Promise<T> {
		return this.limits ? this.limits.attempt(account, this.name, this.caller, run) : run();
	}

	inLoginLane<T>(lane: LoginLane, run: () => Promise<T>): Promise<T> {
		// A nested call does not wait: its outer call may occupy the place that it would wait for.
		if (this.caller.isNested) return run();
		const invocation = this;
		const client = {
			address: this.caller.clientAddress,
			get signal() {
				return invocation.signal;
			},
		};
		return this.loginLanes.run(lane, client, run);
	}

	/**
	 * A nested call has the same user and connection. Its `setUserId` acts as that of this call. Its `unblock` does
	 * nothing.
	 */
	async call(name: string, ...args: unknown[]): Promise<unknown> {
		const { userId, hashedToken, connection } = this;
		const outer = this;
		const result = await this.invoke(name, clone(args), {
			isNested: true,
			depth: (this.caller.depth ?? 0) + 1,
			userId,
			hashedToken,
			connection,
			clientAddress: this.caller.clientAddress,
			requestId: this.caller.requestId,
			randomSeed: this.random.seedFor(name),
			secondFactor: this.caller.secondFactor,
			setUserId: (id, token, expires) => this.setUserId(id, token, expires),
			setToken: (token, expires) => this.setToken(token, expires),
			onWrite: (settled) => this.#onWrite(settled),
			audit: (about) => this.audit(about),
			get signal() {
				return outer.signal;
			},
		});
		return clone(result);
	}
}

bindOnRead(Invocation.prototype, [
	'emit',
	'setUserId',
	'setToken',
	'unblock',
	'audit',
	'attempt',
	'inLoginLane',
	'call',
]);
