/** The interfaces between sessions and transports. A session has no other access to the network. */
import type { IncomingMessage } from 'node:http';
import type { Admission } from '../../core/admission.js';
import type { TransportKind } from '../../core/caller.js';
import type { ServerObserver } from '../../core/observer.js';
import type { Broadcast } from './broadcast.js';
import type { CloseReason } from './close-reason.js';
import type { Pacer } from './pacer.js';

/** Options and services of every transport. */
export interface TransportOptions {
	/** Maximum number of bytes buffered for a client that does not read; above it the client is disconnected. */
	readonly maxBuffered: number;
	/** The network address of the client of a request; null if unknown. */
	addressOf(request: IncomingMessage): string | null;
	/** Has counted the connection before the transport is created. Its `release` is called when the connection has closed. */
	readonly admission: Pick<Admission, 'release'>;
	readonly observer?: ServerObserver | undefined;
	/** Schedules the input of busy clients. All transports of a server share it. */
	readonly pacer: Pacer;
}

export interface Transport {
	readonly kind: TransportKind;
	/** Number of bytes that wait until the client reads them. */
	readonly bufferedBytes: number;
	/**
	 * Sends one DDP message; does nothing after the transport has closed. Disconnects the client if more than
	 * `maxBuffered` bytes wait for it.
	 */
	send(frame: string): void;
	/** Encodes a part of a long message for `sendParts`. */
	encodePart(text: string): Buffer;
	/**
	 * Sends one long message, which was encoded in parts so that other clients are not blocked. Its length does not count
	 * towards `maxBuffered`.
	 */
	sendParts(parts: readonly Buffer[]): void;
	/**
	 * Whether a long message is being sent. Then no heartbeat disconnects the client, because pings wait behind the message.
	 * False after two minutes, even if the message is still being sent. Always false for polling.
	 */
	readonly isSendingParts: boolean;
	/** Sends a message for many clients, which is encoded only once. */
	broadcast(message: Broadcast): void;
	/** Closes the transport. The client receives the code and the text of the reason. */
	close(reason: CloseReason): void;
	/** Disconnects the client immediately: without sending buffered data, and without waiting for its close frame. */
	terminate(): void;
	/**
	 * Passes no messages to the session until `resume`. Meanwhile a socket is not read, so that TCP stops the client, and a
	 * request with messages of a polling client is not answered. Both functions are idempotent.
	 */
	pause(): void;
	resume(): void;
	/** Whether input has arrived that was not yet passed to the session. */
	readonly hasPendingInput: boolean;
	/**
	 * Detects a client that has disconnected without a close frame, for sessions without a heartbeat.
	 * @param time how long nothing may be sent or received, in ms
	 * @param onIdle called whenever nothing was sent or received for so long
	 */
	onIdle(time: number, onIdle: () => void): void;
	/** Resolves when most of the buffered data has been sent; undefined if it already has. */
	whenDrained(): Promise<void> | undefined;
	/** The network address of the client; null if unknown. */
	readonly clientAddress: string | null;
	/** Headers of the client's request that methods may see. */
	readonly headers: Readonly<Record<string, string>>;
}

/** The listener of a transport: the session. */
export interface Receiver {
	/**
	 * Whether the client's `connect` was accepted. Until then, a WebSocket without compression checks the size of a frame
	 * while the frame arrives.
	 */
	readonly hasAcceptedConnect: boolean;
	/**
	 * Called with the size of each frame before its messages are parsed; also with the size of the part of a frame that has
	 * arrived. Ends the session if that is too large.
	 * @returns whether the frame may be handled
	 */
	enforceFrameSize(bytes: number): boolean;
	/** One message has arrived. */
	receive(text: string): void;
	/** The transport has closed, at the request of either side or because of an error. */
	onClose(): void;
}

/** Begins a session over a new transport, and returns its listener. */
export type OpenSession = (transport: Transport) => Receiver;
