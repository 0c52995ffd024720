/** The interfaces between sessions and transports. A session has no other access to the network. */
import type { IncomingMessage } from 'node:http';
import type { TransportKind } from '../../core/caller.js';
import type { Admissions } from '../../core/limits/connections.js';
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
	/** Counts connections: each transport was admitted, and must be released when it has closed. */
	readonly admissions: Admissions;
	readonly observer?: ServerObserver | undefined;
	/** Shared by all transports of a server. */
	readonly pacer: Pacer;
}

export interface Transport {
	readonly kind: TransportKind;
	/** Number of bytes that wait until the client reads them. */
	readonly bufferedBytes: number;
	/**
	 * Sends one DDP message. Ignored after the transport has closed. Disconnects a client with too many buffered bytes.
	 */
	send(frame: string): void;
	/** Encodes a part of a long message for `sendParts`. */
	encodePart(text: string): Buffer;
	/**
	 * Sends one message whose parts are encoded: to encode a long message at once would block other clients. Its length
	 * does not count as buffered, so a client that reads it is not disconnected for it.
	 */
	sendParts(parts: readonly Buffer[]): void;
	/** Whether a long message is being sent, for two minutes at most. */
	readonly isSendingParts: boolean;
	/** Sends a message for many clients, which is encoded only once. */
	broadcast(message: Broadcast): void;
	/** Closes it with a code and a text for the client. */
	close(reason: CloseReason): void;
	/** Disconnects without sending buffered data, if the client does not answer the close frame. */
	terminate(): void;
	/**
	 * Stops passing on messages until `resume`, so that TCP flow control stops the client. Both functions are idempotent.
	 */
	pause(): void;
	resume(): void;
	/** Whether the client has sent more than the pacer has handed over yet. */
	readonly isBehind: boolean;
	/**
	 * Detects a client that has disconnected without a close frame, for sessions without a heartbeat.
	 * @param time of silence in both directions, in ms
	 * @param onIdle called after each such time
	 */
	onIdle(time: number, onIdle: () => void): void;
	/** Resolves when most of the buffered data has been sent; undefined if it already has. */
	whenDrained(): Promise<void> | undefined;
	/** Where the client is. */
	readonly clientAddress: string | null;
	/** Headers of the client's request that methods may see. */
	readonly headers: Readonly<Record<string, string>>;
}

/** The listener of a transport. */
export interface Receiver {
	/** Whether the client has sent `connect`: until then the size of a frame is checked while it arrives. */
	readonly isConnected: boolean;
	/** Called for each frame before its messages are parsed: false if it is too large. Then the session has ended. */
	allowsFrameSize(bytes: number): boolean;
	/** One message has arrived. */
	receive(text: string): void;
	/** The transport has closed, for whatever reason. */
	onClose(): void;
}

/** Begins a session over a new transport, and returns its listener. */
export type OpenSession = (transport: Transport) => Receiver;
