/** One client: its negotiation, its queue, its user (`test/contract/ddp.md` sections 3 to 9). */
import { randomId } from '../../shared/ids.js';
import type { Log } from '../../shared/log.js';
import type { Connection, Method } from '../../shared/method.js';
import type { IdempotencyKey } from '../core/caller.js';
import type { Invoker } from '../core/invoke.js';
import type { HeapTimer, TimerHeap } from '../core/timer-heap.js';
import * as codec from './codec.js';
import { ClientConnection } from './connection.js';
import { Drain, type DrainHost } from './drain.js';
import type { HeartbeatPeer, Heartbeats } from './heartbeat.js';
import { MalformedCounter } from './malformed.js';
import {
	formerSession,
	type Message,
	type MethodCall,
	negotiate,
	type Request,
	readFrame,
	refuse,
	requestOf,
	type Sub,
} from './messages.js';
import { type CallHost, runCall } from './methods.js';
import type { PublicationServices } from './publications/subscription.js';
import {
	type Publications,
	type SubscriptionLimits,
	Subscriptions,
	type SubscriptionsHost,
} from './publications/subscriptions.js';
import { MessageQueue, type QueueHost } from './queue.js';
import type { ResumeChains } from './resume-chains.js';
import {
	type CloseReason,
	GOING_AWAY,
	NORMAL_CLOSURE,
	TOO_LARGE,
	TOO_MANY_MALFORMED,
} from './transports/close-reason.js';
import type { Receiver, Transport } from './transports/transport.js';

/** Largest frame of a client that has not connected, in bytes: `connect` needs no more. */
const FIRST_FRAME = 8 * 1024;

export interface SessionOptions extends SubscriptionLimits {
	/**
	 * How long a socket may stay open without `connect`, in ms; and idle, where a client has no heartbeat: in version pre1,
	 * or with an interval of 0. Default 45,000.
	 */
	readonly connectTimeout: number;
	/** Largest frame of a client that is not logged in, in bytes. Default 64 KiB. */
	readonly maxAnonymousFrame: number;
	/**
	 * Messages of one client that may be unanswered, be they waiting for their turn or running, unblocked and parallel ones
	 * too; with more, no more are read until fewer are. Default 100.
	 */
	readonly maxQueue: number;
}

/** What a session is given by the server. */
export interface SessionServices extends PublicationServices {
	readonly publications: Publications;
	readonly heartbeats: Heartbeats;
	readonly alarms: TimerHeap;
	/** Left out where no calls are remembered. */
	readonly resumeChains?: ResumeChains | undefined;
	/** Is told of every client that has connected. Left out where nobody asks. */
	readonly onConnection?: ((connection: Connection) => void) | undefined;
	/** Is told of every session whose transport has closed. */
	onGone(session: Session): void;
}

/** A frame that only a client who is logged in may send. It came while a login was under way. */
interface LargeFrame {
	readonly msg: 'large';
	readonly text: string;
}

/** A message in the queue: what it asks for, or, as text, the frame that says why that cannot be told. */
type QueueItem = Request | LargeFrame | string;

const nothing = () => {};

/**
 * Of this and all else that each client has, no more is kept than an idle client needs. Their methods are private by
 * TypeScript alone: with `#`, each object would have to keep that it has them.
 */
export class Session
	implements Receiver, CallHost, SubscriptionsHost, HeartbeatPeer, HeapTimer, QueueHost<QueueItem>, DrainHost
{
	#userId: string | null = null;
	#hashedToken: string | null = null;
	/** That of the alarm for the time when that token runs out. */
	heapIndex = -1;
	/** Its own id, once the client has connected. */
	#id: string | undefined;
	#connection: ClientConnection | undefined;
	/** The line of sessions this one belongs to. */
	#chainId: string | undefined;
	#subscriptions: Subscriptions | undefined;
	slot: HeartbeatPeer['slot'];
	active = false;
	#mayPing = true;
	#closed = false;
	#controller: AbortController | undefined;
	#connectTimer: NodeJS.Timeout | undefined;
	/** While there is something to do. */
	#queue: MessageQueue<QueueItem> | undefined;
	/** Calls and subscriptions that have not been answered, be they in turn, unblocked or parallel. */
	#running = 0;
	/** Calls, running or waiting, that may change whose session this is. */
	#userChanges = 0;
	/** See `DrainHost`. */
	#paused = false;
	#wasThrottled = false;
	#drain: Drain | undefined;
	/** Made with the first malformed message. */
	#malformed: MalformedCounter | undefined;

	constructor(
		readonly transport: Transport,
		readonly services: SessionServices,
		readonly options: SessionOptions,
	) {
		this.#connectTimer = setTimeout(() => this.close(), options.connectTimeout);
	}

	get invoker(): Invoker {
		return this.services.invoker;
	}

	get log(): Log {
		return this.services.log;
	}

	get userId(): string | null {
		return this.#userId;
	}

	/** Hash of the login token this session was logged in with. */
	get hashedToken(): string | null {
		return this.#hashedToken;
	}

	/** Made when it is asked for: most clients never call a method that does. */
	get connection(): ClientConnection | null {
		if (this.#id === undefined) return null;
		if (!this.#connection) {
			this.#connection = new ClientConnection(this.#id, this.transport, this, this.log);
			if (this.#closed) this.#connection.closed();
		}
		return this.#connection;
	}

	get connectionId(): string | undefined {
		return this.#id;
	}

	get clientAddress(): string | null {
		return this.transport.clientAddress;
	}

	get signal(): AbortSignal {
		this.#controller ??= new AbortController();
		if (this.#closed) this.#controller.abort();
		return this.#controller.signal;
	}

	/** Ends the session from our side. */
	close(reason: CloseReason = NORMAL_CLOSURE): void {
		this.transport.close(reason);
		this.end();
	}

	/** Cuts off a client that does not let itself be closed. */
	cut(): void {
		this.transport.terminate();
	}

	/** Answers what had come in, then ends the session. */
	async drain(): Promise<void> {
		if (this.#closed || this.#drain) return;
		this.#drain = new Drain(this);
		await this.#drain.run();
		if (!this.#closed) this.close(GOING_AWAY);
	}

	get isClosed(): boolean {
		return this.#closed;
	}

	get isIdle(): boolean {
		return this.#running === 0 && !this.#queue;
	}

	get isPaused(): boolean {
		return this.#paused;
	}

	get wasThrottled(): boolean {
		return this.#wasThrottled;
	}

	closed(): void {
		this.end();
		this.services.onGone(this);
	}

	private end(): void {
		if (this.#closed) return;
		this.#closed = true;
		clearTimeout(this.#connectTimer);
		this.services.alarms.cancel(this);
		this.services.heartbeats.stop(this);
		this.#queue?.clear();
		this.#controller?.abort();
		this.#subscriptions?.closed();
		this.#connection?.closed();
		if (this.#id !== undefined) this.services.resumeChains?.leave(this.#id);
		this.#drain?.changed();
	}

	markOf(id: string): IdempotencyKey | undefined {
		if (this.#chainId === undefined || this.#id === undefined) return undefined;
		return { key: `${this.#chainId} ${id}`, session: this.#id };
	}

	get connected(): boolean {
		return this.#id !== undefined;
	}

	allowsFrameSize(bytes: number): boolean {
		// A client that has just sent its login may send more at once. Whether it may, is known when that has ended.
		if (this.#closed || this.#userChanges > 0 || bytes <= this.maxFrame) return true;
		this.close(TOO_LARGE);
		return false;
	}

	/** Largest frame it may send at present, in bytes. */
	private get maxFrame(): number {
		if (!this.connected) return FIRST_FRAME;
		return this.#userId === null ? this.options.maxAnonymousFrame : Number.POSITIVE_INFINITY;
	}

	receive(text: string): void {
		if (this.#closed) return;
		this.services.heartbeats.active(this);
		this.#drain?.came();
		if (this.#userChanges > 0 && text.length > this.maxFrame) {
			this.enqueue({ msg: 'large', text });
			return;
		}
		const message = readFrame(text);
		if (typeof message === 'string') this.sendError(message);
		else if (message.msg === 'disconnect') this.close();
		else if (this.#id === undefined) this.connect(message, text);
		// These two do not wait their turn: a client that waits for a slow method must not be taken for dead, nor we.
		else if (this.#mayPing && message.msg === 'ping') this.send(codec.pong(message.id));
		else if (this.#mayPing && message.msg === 'pong') return;
		else if (!this.#drain?.isFull) this.enqueue(requestOf(message, text));
	}

	send(frame: string): void {
		if (!this.#closed) this.transport.send(frame);
	}

	/** Says that a message cannot be understood. Closes the connection where there are too many of them. */
	private sendError(frame: string): void {
		this.#malformed ??= new MalformedCounter();
		if (this.#malformed.isTooMany()) this.close(TOO_MANY_MALFORMED);
		else this.send(frame);
	}

	ping(): void {
		this.send(codec.ping());
	}

	onTimeout(): void {
		// Whatever it says, we do not hear it. That it is pinged shows whether its socket is still there, and us to it.
		if (!this.#paused) this.close();
	}

	/** The login token has run out. */
	onExpire(): void {
		this.close();
	}

	async setUser(userId: string | null, hashedToken: string | null, expires?: Date): Promise<void> {
		this.#userId = userId;
		this.setToken(hashedToken, expires);
		if (!this.#closed) await this.#subscriptions?.changeUser(userId);
	}

	setToken(hashedToken: string | null, expires?: Date): void {
		this.#hashedToken = hashedToken;
		if (this.#closed) return;
		if (expires) this.services.alarms.set(expires, this);
		else this.services.alarms.cancel(this);
	}

	private connect(message: Message, text: string): void {
		if (message.msg !== 'connect') {
			this.sendError(refuse('Must connect first', message, text));
			return;
		}
		const { version, agreed } = negotiate(message);
		if (!agreed) {
			this.send(codec.failed(version));
			this.close();
			return;
		}
		clearTimeout(this.#connectTimer);
		this.#connectTimer = undefined;
		this.#id = randomId();
		this.#chainId = this.services.resumeChains?.join(this.#id, formerSession(message));
		this.#subscriptions = new Subscriptions(this);
		this.#mayPing = version !== 'pre1';
		if (!this.#mayPing || !this.services.heartbeats.start(this)) {
			this.transport.onIdle(this.options.connectTimeout, () => this.onTimeout());
		}
		this.send(codec.connected(this.#id));
		void this.#subscriptions.startUniversal(null);
		this.services.onConnection?.(this.connection as ClientConnection);
	}

	private enqueue(waiting: QueueItem): void {
		const method = this.methodOf(waiting);
		if (method?.changesUser) this.#userChanges++;
		// Whose call it is must be settled before it starts: stock clients send a login and calls in one burst.
		if (method?.parallel && this.#userChanges === 0) this.handle(waiting, nothing);
		else {
			this.#queue ??= new MessageQueue(this);
			this.#queue.add(waiting);
		}
		this.updateBackpressure();
	}

	/** Takes messages or not, by how many are unanswered. */
	private updateBackpressure(): void {
		const tooMany = this.#running + (this.#queue?.length ?? 0) > this.options.maxQueue;
		if (tooMany === this.#paused) return;
		this.#paused = tooMany;
		if (tooMany) {
			this.#wasThrottled = true;
			this.transport.pause();
		} else {
			this.services.heartbeats.active(this);
			this.transport.resume();
		}
		this.#drain?.changed();
	}

	private methodOf(request: QueueItem): Method | undefined {
		return typeof request === 'object' && request.msg === 'method' ? this.invoker.get(request.method) : undefined;
	}

	handle(request: QueueItem, release: () => void): void {
		if (typeof request === 'string') {
			this.sendError(request);
			release();
			this.updateBackpressure();
		} else if (request.msg === 'large') {
			this.handleLarge(request, release);
		} else if (request.msg === 'method') {
			void this.call(request, release);
		} else if (request.msg === 'sub') {
			void this.subscribe(request, release);
		} else {
			void this.unsubscribe(request.id, release);
		}
	}

	/** By now it is known who sent it. */
	private handleLarge({ text }: LargeFrame, release: () => void): void {
		if (text.length > this.maxFrame) {
			this.close(TOO_LARGE);
			return;
		}
		const message = readFrame(text);
		this.handle(typeof message === 'string' ? message : requestOf(message, text), release);
	}

	idle(): void {
		this.#queue = undefined;
		this.#drain?.changed();
	}

	private async call(request: MethodCall, release: () => void): Promise<void> {
		this.#running++;
		await runCall(request, this, release);
		if (this.methodOf(request)?.changesUser) this.#userChanges--;
		this.ended();
	}

	private async subscribe(request: Sub, release: () => void): Promise<void> {
		this.#running++;
		let waiting = true;
		const unblock = () => {
			if (waiting) release();
			waiting = false;
		};
		await this.#subscriptions?.start(request, this, unblock);
		unblock();
		this.ended();
	}

	private async unsubscribe(id: string, release: () => void): Promise<void> {
		const ending = this.#subscriptions?.stop(id);
		this.#running++;
		if (ending) await ending;
		release();
		this.ended();
	}

	private ended(): void {
		this.#running--;
		this.updateBackpressure();
		this.#drain?.changed();
	}
}
