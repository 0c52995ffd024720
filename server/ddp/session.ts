/**
 * The session of one client: reads the client's messages, and answers them (`test/contract/ddp.md` sections 3 to 9).
 */
import { randomId } from '../../shared/ids.js';
import * as codec from './codec.js';
import { ClientConnection } from './connection.js';
import { Drain } from './drain.js';
import type { HeartbeatPeer } from './heartbeat.js';
import { LargeAnswers } from './large-answers.js';
import { Login } from './login.js';
import { MalformedCounter } from './malformed.js';
import { Subscriptions } from './publications/subscriptions.js';
import { answer, enqueue, type QueuedRequest, type Requests } from './queue.js';
import type { ChainId } from './resume-chains.js';
import type { SessionOptions, SessionServices } from './services.js';
import {
	type CloseReason,
	GOING_AWAY,
	NORMAL_CLOSURE,
	TOO_LARGE,
	TOO_MANY_MALFORMED,
} from './transports/close-reason.js';
import type { Receiver, Transport } from './transports/transport.js';

/** Maximum size of a client's frame before its `connect` is accepted, in bytes. */
const MAX_FRAME_BEFORE_CONNECT = 8 * 1024;

export class Session implements Receiver, HeartbeatPeer {
	readonly login = new Login();
	/** `slot` and `active`: see `HeartbeatPeer`. */
	slot: HeartbeatPeer['slot'];
	active = false;
	/** Undefined until the client's `connect` is accepted. */
	connectionId: string | undefined;
	/**
	 * Id of the chain of resumed sessions (`resume-chains.ts`), by which the results of earlier calls are found.
	 * Undefined if results are not cached.
	 */
	chainId: ChainId | undefined;
	subscriptions: Subscriptions | undefined;
	#connection: ClientConnection | undefined;
	/** False for version pre1 of DDP, which has no pings. */
	#knowsPings = true;
	isClosed = false;
	#connectTimer: NodeJS.Timeout | undefined;
	/** Set while there are unanswered requests. Kept once reading was paused, because `Drain` reads `wasPaused`. */
	requests: Requests<QueuedRequest> | undefined;
	#drain: Drain | undefined;
	#malformed: MalformedCounter | undefined;
	#largeAnswers: LargeAnswers | undefined;
	readonly #endController = new AbortController();

	constructor(
		readonly transport: Transport,
		readonly services: SessionServices,
		readonly options: SessionOptions,
		private readonly onTransportClosed: (session: Session) => void,
	) {
		this.#connectTimer = setTimeout(() => this.close(), options.connectTimeout).unref();
	}

	get hasAcceptedConnect(): boolean {
		return this.connectionId !== undefined;
	}

	get userId(): string | null {
		return this.login.userId;
	}

	get clientAddress(): string | null {
		return this.transport.clientAddress;
	}

	/** The connection as methods see it. Created on first use, which saves 90 bytes. */
	get connection(): ClientConnection | null {
		if (this.connectionId === undefined) return null;
		if (!this.#connection) {
			this.#connection = new ClientConnection(this.connectionId, this.transport, this, this.services.log);
			if (this.isClosed) this.#connection.end();
		}
		return this.#connection;
	}

	get largeAnswers(): LargeAnswers {
		this.#largeAnswers ??= new LargeAnswers(this.transport, this.signal);
		return this.#largeAnswers;
	}

	/** Fires when the session has ended. */
	get signal(): AbortSignal {
		return this.#endController.signal;
	}

	/** Closes the transport and ends the session. */
	close(reason: CloseReason = NORMAL_CLOSURE): void {
		this.transport.close(reason);
		this.end();
	}

	/** Answers the received requests, then ends the session. */
	async drain(): Promise<void> {
		if (this.isClosed || this.#drain) return;
		this.#drain = new Drain(this);
		await this.#drain.run();
		if (!this.isClosed) this.close(GOING_AWAY);
	}

	onClose(): void {
		this.end();
		this.onTransportClosed(this);
	}

	private end(): void {
		if (this.isClosed) return;
		this.isClosed = true;
		clearTimeout(this.#connectTimer);
		this.services.heartbeats.stop(this);
		this.requests?.close();
		this.#endController.abort();
		this.subscriptions?.close();
		this.#connection?.end();
		if (this.connectionId !== undefined) this.services.resumeChains?.leave(this.connectionId);
		this.#drain?.onChange();
	}

	/** Maximum size of a frame that the client may send now, in bytes. */
	get maxFrame(): number {
		if (!this.hasAcceptedConnect) return MAX_FRAME_BEFORE_CONNECT;
		return this.login.userId === null ? this.options.maxAnonymousFrame : Number.POSITIVE_INFINITY;
	}

	enforceFrameSize(bytes: number): boolean {
		// The limit depends on the user. So during a login every frame is allowed here, and the queue checks large frames
		// afterwards.
		if (this.isClosed || this.login.pendingChanges > 0 || bytes <= this.maxFrame) return true;
		this.close(TOO_LARGE);
		return false;
	}

	receive(text: string): void {
		if (this.isClosed) return;
		this.services.heartbeats.markActive(this);
		this.#drain?.onMessage();
		if (this.login.pendingChanges > 0 && Buffer.byteLength(text) > this.maxFrame) {
			enqueue({ msg: 'large', text }, this);
			return;
		}
		const message = codec.parseFrame(text);
		if (typeof message === 'string') this.sendError(message);
		else if (message.msg === 'disconnect') this.close();
		else if (!this.hasAcceptedConnect) this.handleBeforeConnect(message, text);
		// Pings and pongs do not wait in the queue, so that neither side times out during a slow method.
		else if (this.#knowsPings && message.msg === 'ping') this.send(codec.pong(message.id));
		else if (this.#knowsPings && message.msg === 'pong') return;
		else if (!this.#drain?.ignoresRequests) enqueue(codec.parseRequest(message, text), this);
	}

	private handleBeforeConnect(message: codec.Message, text: string): void {
		if (message.msg === 'connect') this.connect(message);
		else this.sendError(codec.errorFrame('Must connect first', message, text));
	}

	private connect(message: codec.Message): void {
		const { version, agreed } = codec.negotiate(message);
		if (!agreed) {
			this.send(codec.failed(version));
			this.close();
			return;
		}
		clearTimeout(this.#connectTimer);
		this.#connectTimer = undefined;
		this.connectionId = randomId();
		this.chainId = this.services.resumeChains?.join(this.connectionId, codec.formerSession(message));
		this.subscriptions = new Subscriptions(this);
		this.#knowsPings = version !== 'pre1';
		const hasHeartbeat = this.#knowsPings && this.services.heartbeats.start(this);
		if (!hasHeartbeat) {
			this.transport.onIdle(this.options.connectTimeout, () => this.onTimeout());
		}
		this.send(codec.connected(this.connectionId));
		void this.subscriptions.startUniversal(this.userId);
		if (this.services.onConnection) this.services.onConnection(this.connection as ClientConnection);
	}

	answer(request: QueuedRequest, release: () => void): Promise<void> | undefined {
		return answer(request, this, release);
	}

	async setUser(userId: string | null, hashedToken: string | null, expires?: Date): Promise<void> {
		this.login.set(userId, hashedToken, expires);
		if (!this.isClosed) await this.subscriptions?.changeUser(userId);
	}

	send(message: string | readonly Buffer[]): void {
		if (this.isClosed) return;
		if (typeof message === 'string') this.transport.send(message);
		else this.transport.sendParts(message);
	}

	encodePart(text: string): Buffer {
		return this.transport.encodePart(text);
	}

	/** Sends an error frame. After too many malformed messages, closes the connection instead. */
	sendError(frame: string): void {
		this.#malformed ??= new MalformedCounter();
		this.#malformed.count();
		if (this.#malformed.isOverLimit) this.close(TOO_MANY_MALFORMED);
		else this.send(frame);
	}

	ping(): void {
		this.send(codec.ping());
	}

	onTimeout(): void {
		// While reading is paused, the pong is not read. While a long message is sent, the ping waits behind it.
		const canAnswer = !this.requests?.isPaused && !this.transport.isSendingParts;
		if (canAnswer) this.close();
	}

	pause(): void {
		this.services.observer?.onPause();
		this.transport.pause();
	}

	resume(): void {
		this.services.heartbeats.markActive(this);
		this.transport.resume();
	}

	onChange(): void {
		if (this.requests?.isIdle && !this.requests.wasPaused) this.requests = undefined;
		this.#drain?.onChange();
	}
}
