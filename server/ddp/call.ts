/** A method call of a DDP client, and its two answers: `result` and `updated` (`test/contract/ddp.md` sections 6 and 7). */
import { clientError, toClientError } from '../../shared/errors.js';
import type { Log } from '../../shared/log.js';
import type { Connection, Method, SecondFactor } from '../../shared/method.js';
import { isLarge } from '../../shared/slices.js';
import type { Caller, IdempotencyKey, TransportKind } from '../core/caller.js';
import type { Invoker } from '../core/invoke.js';
import type { ServerObserver } from '../core/observer.js';
import { refuseUnknown } from '../core/refuseUnknown.js';
import * as codec from './codec.js';
import type { LargeAnswers } from './large-answers.js';
import type { Login } from './login.js';
import type { Subscriptions } from './publications/subscriptions.js';
import type { ChainId } from './resume-chains.js';
import type { Transport } from './transports/transport.js';

export interface CallHost {
	readonly services: { readonly invoker: Invoker; readonly log: Log; readonly observer?: ServerObserver | undefined };
	readonly login: Login;
	readonly connection: Connection | null;
	readonly connectionId: string | undefined;
	readonly clientAddress: string | null;
	readonly transport: Pick<Transport, 'kind'>;
	/** Fires when the session has ended. */
	readonly signal: AbortSignal;
	/** Id of the chain of sessions to which the session belongs: see `Session.chainId`. */
	readonly chainId: ChainId | undefined;
	setUser(userId: string | null, hashedToken: string | null, expires?: Date): Promise<void>;
	/** Sends a message: its text, or the encoded parts of a long one. */
	send(message: string | readonly Buffer[]): void;
	encodePart(text: string): Buffer;
	readonly largeAnswers: LargeAnswers;
	readonly subscriptions: Pick<Subscriptions, 'whenRemovalsDone'> | undefined;
}

/**
 * Removes the second factor from the arguments: DDP clients send it as an additional last argument
 * (`test/contract/rocketchat-e2e.md` 7.5).
 */
export function takeSecondFactor(
	method: Method | undefined,
	params: readonly unknown[],
): { params: readonly unknown[]; secondFactor?: SecondFactor } {
	if (!method?.secondFactor) return { params };
	const last = params.at(-1);
	if (typeof last !== 'object' || last === null) return { params };
	const { twoFactorCode: code, twoFactorMethod: kind } = last as Record<string, unknown>;
	if (typeof code !== 'string') return { params };
	return { params: params.slice(0, -1), secondFactor: { code, method: typeof kind === 'string' ? kind : null } };
}

class DdpCaller implements Caller {
	readonly userId: string | null;
	readonly hashedToken: string | null;
	readonly clientAddress: string | null;
	readonly randomSeed: string | null;
	/** Resolves when subscribers have received the method's writes; undefined if it has written nothing. */
	written: Promise<unknown> | undefined;
	/** Set while this call changes the session's user. Resolves when all its changes have ended; never rejects. */
	userChange: Promise<void> | undefined;
	#unblock: (() => void) | undefined;

	constructor(
		private readonly host: CallHost,
		private readonly id: string,
		randomSeed: string | undefined,
		readonly secondFactor: SecondFactor | undefined,
		unblock: () => void,
	) {
		({ userId: this.userId, hashedToken: this.hashedToken } = host.login);
		this.clientAddress = host.clientAddress;
		this.randomSeed = randomSeed || null;
		this.#unblock = unblock;
	}

	get connection(): Connection | null {
		return this.host.connection;
	}

	get connectionId(): string | undefined {
		return this.host.connectionId;
	}

	get transport(): TransportKind {
		return this.host.transport.kind;
	}

	get requestId(): string {
		return codec.loggedId(this.id);
	}

	get signal(): AbortSignal {
		return this.host.signal;
	}

	get idempotencyKey(): IdempotencyKey | undefined {
		const { chainId, connectionId } = this.host;
		if (chainId === undefined || connectionId === undefined) return undefined;
		const keyWith = (chain: string) => `${chain} ${this.id}`;
		// A chain id that is in the store is read only when the key is needed.
		const key = typeof chainId === 'string' ? keyWith(chainId) : async () => keyWith(await chainId());
		return { key, session: connectionId };
	}

	setUserId(userId: string | null, hashedToken: string | null, expires?: Date): Promise<void> {
		const change = this.host.setUser(userId, hashedToken, expires);
		const allChanges = Promise.allSettled([this.userChange, change]).then(() => {
			if (this.userChange === allChanges) this.userChange = undefined;
		});
		this.userChange = allChanges;
		return change;
	}

	setToken(hashedToken: string, expires?: Date): void {
		this.host.login.set(this.host.login.userId, hashedToken, expires);
	}

	onWrite(settled: Promise<unknown>): void {
		this.written = this.written ? Promise.all([this.written, settled]) : settled;
	}

	/** Lets the next message start. A running change of user ends first. Has no effect the second time. */
	unblock(): void {
		const unblock = this.#unblock;
		this.#unblock = undefined;
		if (this.userChange) void this.userChange.then(unblock);
		else unblock?.();
	}
}

/** The `result` message of a method that has ended. `onSent` must be called when the message has been sent. */
interface Answer {
	readonly message: string | readonly Buffer[];
	onSent?(): void;
}

function answerUnencodable({ log }: CallHost['services'], { id, method }: codec.MethodCall, err: unknown): Answer {
	log.error({ err, method }, `The result of method '${method}' cannot be encoded`);
	return { message: codec.failure(id, clientError('internal')) };
}

function encodeResult(host: CallHost, call: codec.MethodCall, value: unknown): Answer | Promise<Answer> {
	try {
		if (isLarge(value)) return encodeLargeResult(host, call, value);
		return { message: codec.result(call.id, value) };
	} catch (error) {
		return answerUnencodable(host.services, call, error);
	}
}

async function encodeLargeResult(host: CallHost, call: codec.MethodCall, value: unknown): Promise<Answer> {
	const onSent = await host.largeAnswers.takeTurn();
	if (!onSent) return { message: codec.failure(call.id, clientError('tooManyLargeAnswers')) };
	if (host.signal.aborted) return { message: [], onSent };
	try {
		return { message: await codec.largeResult(call.id, value, (text) => host.encodePart(text)), onSent };
	} catch (error) {
		return { ...answerUnencodable(host.services, call, error), onSent };
	}
}

/**
 * Runs a method and sends exactly one `result` and one `updated`: without both, the client would wait for ever.
 * @param unblock called once, when the next message may start
 * @returns resolves when both answers have been sent; never rejects
 */
export async function runCall(call: codec.MethodCall, host: CallHost, unblock: () => void): Promise<void> {
	const { id, method, randomSeed } = call;
	const definition = host.services.invoker.get(method);
	if (!definition) {
		// The result is sent before `updated`, as Meteor does for an unknown method.
		const caller = new DdpCaller(host, id, randomSeed, undefined, unblock);
		host.send(codec.failure(id, refuseUnknown(host.services.observer, method, caller)));
		host.send(codec.updated(id));
		unblock();
		return;
	}
	const { params, secondFactor } = takeSecondFactor(definition, call.params ?? []);
	const caller = new DdpCaller(host, id, randomSeed, secondFactor, unblock);
	const answer = await host.services.invoker.invoke(method, params, caller).then(
		(value) => encodeResult(host, call, value),
		(error): Answer => ({ message: codec.failure(id, toClientError(error)) }),
	);
	// The method may have ended before its change of user. The client must receive the new user's documents before the
	// answers.
	if (caller.userChange) await caller.userChange;
	if (caller.written) {
		// `updated` comes after all changes of the method.
		host.send(answer.message);
		caller.unblock();
		await caller.written;
		// A subscription that has failed because of the write may still be removing its documents.
		await host.subscriptions?.whenRemovalsDone();
		host.send(codec.updated(id));
	} else {
		// As in Meteor, `updated` comes first if the method has written nothing.
		host.send(codec.updated(id));
		host.send(answer.message);
		caller.unblock();
	}
	answer.onSent?.();
	if (definition.changesUser) host.login.pendingChanges--;
}
