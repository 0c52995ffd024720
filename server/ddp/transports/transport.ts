/** What sessions and transports need of each other. A session knows no more of the network. */
import type { IncomingMessage } from 'node:http';
import type { Admissions } from '../../core/limits/connections.js';
import type { Broadcast } from './broadcast.js';
import type { CloseReason } from './close-reason.js';
import type { Pacer } from './pacer.js';

/** What every transport needs to know. */
export interface TransportOptions {
	/** Most bytes that may wait for a client that does not read; with more it is cut off. */
	readonly maxBuffered: number;
	/** Where the client that made a request is; null where that is unknown. */
	addressOf(request: IncomingMessage): string | null;
	/** Each transport was admitted, and leaves when it has closed. */
	readonly admissions: Admissions;
	/** Shared by all transports of a server. */
	readonly pacer: Pacer;
}

export interface Transport {
	/** Sends one DDP message. Ignored once the transport is closed; one that has too much to take is cut off. */
	send(frame: string): void;
	/** Sends a message that goes to many: made ready once, it costs each of them less. */
	broadcast(message: Broadcast): void;
	/** Closes it with a code and a text for the client. */
	close(reason: CloseReason): void;
	/** Cuts it off, whatever waits to be sent, where the client does not answer that it closes. */
	terminate(): void;
	/** Hands over no more messages, so that TCP makes the client wait, until `resume`. Either may be called again. */
	pause(): void;
	resume(): void;
	/** Whether the client has sent more than the pacer has handed over yet. */
	readonly isBehind: boolean;
	/**
	 * Watches for a client that has gone without a word, where no heartbeat does.
	 * @param time of silence on both sides, in ms
	 * @param onIdle is called after each such time
	 */
	onIdle(time: number, onIdle: () => void): void;
	/** Resolves when the client has taken most of what was sent; undefined: it has. */
	whenDrained(): Promise<void> | undefined;
	/** Where the client is. */
	readonly clientAddress: string | null;
	/** Headers the client came with, those that methods may see. */
	readonly headers: Readonly<Record<string, string>>;
}

/** What the transport calls. */
export interface Receiver {
	/** Whether the client has connected: until then a frame is measured while it arrives. */
	readonly isConnected: boolean;
	/** Asked of each frame before its messages are looked at: false where it is too large. Then the session has ended. */
	allowsFrameSize(bytes: number): boolean;
	/** One message has arrived. */
	receive(text: string): void;
	/** The transport has closed, for whatever reason. */
	onClose(): void;
}

/** Begins a session over a transport that has just opened, and gives back what that must tell it. */
export type OpenSession = (transport: Transport) => Receiver;
