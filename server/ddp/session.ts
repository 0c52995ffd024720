/** One client: its negotiation, its queue, its user (`contract/ddp.md` sections 3 to 9). */
import { Unreadable } from '../../shared/ejson.js';
import { notFound, refusal, toClientError } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import type { Log } from '../../shared/log.js';
import type { Caller, Invoker } from '../invoke.js';
import * as codec from './codec.js';
import { ClientConnection } from './connection.js';
import { type Heartbeat, type HeartbeatOptions, startHeartbeat } from './heartbeat.js';
import { type Message, type MethodCall, negotiate, requestOf } from './messages.js';
import type { Receiver, Transport } from './transport.js';

/** Largest frame of a client that has not connected, in bytes: `connect` needs no more. */
const FIRST_FRAME = 8 * 1024;

export interface SessionOptions {
	readonly heartbeat: HeartbeatOptions;
	/** How long a socket may stay open without `connect`, in ms. Default 45,000. */
	readonly connectTimeout: number;
	/** Most messages of one client that wait for their turn. Default 1,000. */
	readonly maxQueue: number;
}

/** What a session is given by the server. */
export interface SessionServices {
	readonly invoker: Invoker;
	readonly log: Log;
	/** The fields of a user's own document, which the client gets when it logs in; null for nobody. */
	findOwnUser(userId: string): Promise<codec.Fields | null>;
}

export class Session implements Receiver {
	#userId: string | null = null;
	/** Hash of the login token this session was logged in with. */
	#hashedToken: string | null = null;
	/** Whose document the client has. */
	#shownUserId: string | null = null;
	#connection: ClientConnection | undefined;
	#heartbeat: Heartbeat | undefined;
	#mayPing = true;
	#closed = false;
	/** Messages that wait for the one that is being handled. */
	readonly #queue: Message[] = [];
	#busy = false;
	readonly #connectTimer: NodeJS.Timeout;

	constructor(
		private readonly transport: Transport,
		private readonly services: SessionServices,
		private readonly options: SessionOptions,
	) {
		this.#connectTimer = setTimeout(() => this.close(), options.connectTimeout);
	}

	get hashedToken(): string | null {
		return this.#hashedToken;
	}

	/** Ends the session from our side. */
	close(tooLarge = false): void {
		this.transport.close(tooLarge);
		this.closed();
	}

	closed(): void {
		if (this.#closed) return;
		this.#closed = true;
		clearTimeout(this.#connectTimer);
		this.#heartbeat?.stop();
		this.#queue.length = 0;
		this.#connection?.closed();
	}

	receive(text: string): void {
		if (this.#closed) return;
		if (!this.#connection && Buffer.byteLength(text) > FIRST_FRAME) {
			this.close(true);
			return;
		}
		this.#heartbeat?.heard();
		const message = this.#read(text);
		if (!message) return;
		if (!this.#connection) this.#connect(message);
		// These two do not wait their turn: a client that waits for a slow method must not be taken for dead, nor we.
		else if (this.#mayPing && message.msg === 'ping') this.#send(codec.pong(message.id));
		else if (!this.#mayPing || message.msg !== 'pong') this.#enqueue(message);
	}

	/** Reads a frame, or answers why it cannot be read (section 9). */
	#read(text: string): Message | undefined {
		let message: unknown;
		try {
			message = codec.readMessage(text);
		} catch (error) {
			this.#send(codec.protocolError(error instanceof Unreadable ? 'Parse error' : 'Bad request'));
			return undefined;
		}
		if (typeof message !== 'object' || message === null) {
			this.#send(codec.protocolError('Bad request'));
			return undefined;
		}
		if (!(message as Message).msg) {
			this.#send(codec.protocolError('Bad request', message));
			return undefined;
		}
		return message as Message;
	}

	#connect(message: Message): void {
		if (message.msg !== 'connect') {
			this.#send(codec.protocolError('Must connect first', message));
			return;
		}
		const { version, agreed } = negotiate(message);
		if (!agreed) {
			this.#send(codec.failed(version));
			this.close();
			return;
		}
		clearTimeout(this.#connectTimer);
		this.#connection = new ClientConnection(randomId(), this.transport, () => this.close(), this.services.log);
		this.#mayPing = version !== 'pre1';
		if (this.#mayPing && this.options.heartbeat.interval > 0) {
			this.#heartbeat = startHeartbeat(
				this.options.heartbeat,
				() => this.#send(codec.ping()),
				() => this.close(),
			);
		}
		this.#send(codec.connected(this.#connection.id));
	}

	#enqueue(message: Message): void {
		if (this.#busy && this.#queue.length >= this.options.maxQueue) {
			this.#refuse(message);
		} else {
			this.#queue.push(message);
			this.#next();
		}
	}

	/** Handles what waits, in order, as long as nothing that is being handled holds it up (section 5). */
	#next(): void {
		while (!this.#busy) {
			const message = this.#queue.shift();
			if (!message) return;
			this.#handle(message);
		}
	}

	#handle(message: Message): void {
		const request = requestOf(message);
		if (typeof request === 'string') this.#send(codec.protocolError(request, message));
		else if (request.msg === 'method') void this.#call(request);
		// No publication exists yet: every subscription is to an unknown one, and none is there to be ended.
		else if (request.msg === 'sub') this.#send(codec.nosub(request.id, notFound('Subscription', request.name)));
		else this.#send(codec.nosub(request.id));
	}

	/** Answers a message for which there is no place left in the queue. A method gets both its answers. */
	#refuse(message: Message): void {
		const request = requestOf(message);
		if (typeof request === 'object' && request.msg === 'method') {
			this.#send(codec.updated(request.id));
			this.#send(codec.failure(request.id, refusal('queueFull')));
		} else {
			this.#send(codec.protocolError('Too many messages waiting'));
		}
	}

	/** Runs a method and answers; exactly one `result` and one `updated`, or the client waits for ever (section 7). */
	async #call({ id, method, params = [], randomSeed }: MethodCall): Promise<void> {
		const { invoker } = this.services;
		if (!invoker.has(method)) {
			// Here alone the result comes first (section 6).
			this.#send(codec.failure(id, notFound('Method', method)));
			this.#send(codec.updated(id));
			return;
		}
		this.#busy = true;
		let unblocked = false;
		const unblock = () => {
			if (unblocked) return;
			unblocked = true;
			this.#busy = false;
			this.#next();
		};
		const caller: Caller = {
			userId: this.#userId,
			hashedToken: this.#hashedToken,
			connection: this.#connection ?? null,
			clientAddress: this.transport.clientAddress,
			randomSeed: randomSeed || null,
			setUserId: (userId, hashedToken) => this.#setUser(userId, hashedToken),
			unblock,
		};
		const answer = await invoker.invoke(method, params, caller).then(
			(value) => this.#encode(id, method, value),
			(error) => codec.failure(id, toClientError(error)),
		);
		this.#send(codec.updated(id));
		this.#send(answer);
		unblock();
	}

	#encode(id: string, method: string, value: unknown): string {
		try {
			return codec.result(id, value);
		} catch (err) {
			this.services.log.error({ err, method }, `The result of method '${method}' cannot be encoded`);
			return codec.failure(id, refusal('internal'));
		}
	}

	/** Tells the client whose it is: the former user's document goes, the present one's comes (16.4). */
	async #setUser(userId: string | null, hashedToken: string | null): Promise<void> {
		this.#userId = userId;
		this.#hashedToken = hashedToken;
		const fields = userId === null ? null : await this.services.findOwnUser(userId);
		if (this.#shownUserId !== null) this.#send(codec.removed('users', this.#shownUserId));
		this.#shownUserId = fields ? userId : null;
		if (fields) this.#send(codec.added('users', userId, fields));
	}

	#send(frame: string): void {
		if (!this.#closed) this.transport.send(frame);
	}
}
