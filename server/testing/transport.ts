/** A transport inside the process, for tests. Messages to the client go to `onSend`, or else are kept in `sent`. */
import type { Broadcast } from '../ddp/transports/broadcast.js';
import type { CloseReason } from '../ddp/transports/close-reason.js';
import type { Transport } from '../ddp/transports/transport.js';

export class MemoryTransport implements Transport {
	/** Rate limits count the calls over this transport like those over a WebSocket. */
	readonly kind = 'websocket';
	readonly bufferedBytes = 0;
	readonly clientAddress = null;
	readonly headers = {};
	/** The messages sent to the client, if there is no `onSend`. */
	readonly sent: string[] = [];
	closed = false;
	hasPendingInput = false;
	reason: CloseReason | undefined;
	paused = false;
	/** Set by a test that simulates a client that does not read. It resolves when the client has read. */
	drained: Promise<void> | undefined;
	isSendingParts = false;
	/** The idle time after which the session wants to be called, in ms. */
	idleTime: number | undefined;
	/** Notifies the session that the client was idle for `idleTime`. */
	becomeIdle = () => {};
	/** Called once, in a microtask after the transport is closed. */
	onClosed: (() => void) | undefined;

	constructor(private readonly onSend?: (frame: string) => void) {}

	send(frame: string): void {
		if (this.closed) return;
		if (this.onSend) this.onSend(frame);
		else this.sent.push(frame);
	}
	encodePart(text: string): Buffer {
		return Buffer.from(text);
	}
	sendParts(parts: readonly Buffer[]): void {
		this.send(Buffer.concat(parts).toString());
	}
	broadcast({ text }: Broadcast): void {
		this.send(text);
	}
	close(reason?: CloseReason): void {
		this.reason ??= reason;
		if (!this.closed && this.onClosed) queueMicrotask(this.onClosed);
		this.closed = true;
	}
	terminate(): void {
		this.close();
	}
	pause(): void {
		this.paused = true;
	}
	resume(): void {
		this.paused = false;
	}
	onIdle(time: number, listener: () => void): void {
		this.idleTime = time;
		this.becomeIdle = listener;
	}
	whenDrained(): Promise<void> | undefined {
		return this.drained;
	}
}
