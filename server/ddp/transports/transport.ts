/** The interfaces between sessions and transports. */
import type { IncomingMessage } from 'node:http';
import type { Admission } from '../../core/admission.js';
import type { TransportKind } from '../../core/caller.js';
import type { ServerObserver } from '../../core/observer.js';
import type { Broadcast } from './broadcast.js';
import type { CloseReason } from './close-reason.js';
import type { Pacer } from './pacer.js';

/** Options and services of every transport. */
export interface TransportOptions {
	/** Maximum number of bytes buffered for a client; above it the client is disconnected. */
	readonly maxBuffered: number;
	/** The network address of the client of a request; null if unknown. */
	addressOf(request: IncomingMessage): string | null;
	/** Has counted the connection before the transport is created. `release` is called when the connection has closed. */
	readonly admission: Pick<Admission, 'release'>;
	readonly observer?: ServerObserver | undefined;
	/** Schedules the input of busy clients. Shared by all transports. */
	readonly pacer: Pacer;
}

export interface Transport {
	readonly kind: TransportKind;
	/** Number of bytes that wait for the client. */
	readonly bufferedBytes: number;
	/**
	 * Sends one DDP message, unless the transport has closed. Disconnects the client if more than `maxBuffered` bytes
	 * wait.
	 */
	send(frame: string): void;
	encodePart(text: string): Buffer;
	/**
	 * Sends one long message, which `encodePart` has encoded in parts. Its length does not count towards `maxBuffered`.
	 */
	sendParts(parts: readonly Buffer[]): void;
	/**
	 * Whether a long message is being sent. Then no heartbeat disconnects the client, because pings wait behind the
	 * message. False after two minutes, even if the message is still being sent. Always false for polling.
	 */
	readonly isSendingParts: boolean;
	/** Sends a message that is encoded once for many clients. */
	broadcast(message: Broadcast): void;
	/** Closes the transport. The client receives the code and the text of the reason. */
	close(reason: CloseReason): void;
	/** Disconnects the client immediately, without sending buffered data. */
	terminate(): void;
	/**
	 * Passes no messages to the session until `resume`. Meanwhile a socket is not read, and a polling client's request
	 * with messages is not answered. Both functions are idempotent.
	 */
	pause(): void;
	resume(): void;
	/** Whether input has arrived that was not yet passed to the session. */
	readonly hasPendingInput: boolean;
	/**
	 * Detects a disconnected client, for sessions without a heartbeat.
	 * @param time in ms
	 * @param onIdle called whenever nothing was sent or received for so long
	 */
	onIdle(time: number, onIdle: () => void): void;
	/** Resolves when most of the buffered data has been sent; undefined if it already has. */
	whenDrained(): Promise<void> | undefined;
	readonly clientAddress: string | null;
	/** Headers of the client's request that methods may see. */
	readonly headers: Readonly<Record<string, string>>;
}

/** The listener of a transport: the session. */
export interface Receiver {
	/** Whether the client's `connect` was accepted. */
	readonly hasAcceptedConnect: boolean;
	/**
	 * Called with the size of each frame before it is parsed, or of the part of a frame that has arrived. Ends the
	 * session if the size is too large.
	 * @returns whether the frame may be handled
	 */
	enforceFrameSize(bytes: number): boolean;
	receive(text: string): void;
	/** The transport has closed, for any reason. */
	onClose(): void;
}

/** Begins a session over a new transport, and returns its listener. */
export type OpenSession = (transport: Transport) => Receiver;
