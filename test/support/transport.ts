/** A transport that goes nowhere: what is sent can be looked at. */
import type { Broadcast } from '../../server/ddp/transports/broadcast.js';
import type { CloseReason } from '../../server/ddp/transports/close-reason.js';
import type { Transport } from '../../server/ddp/transports/transport.js';

export class FakeTransport implements Transport {
	readonly clientAddress = null;
	readonly headers = {};
	readonly sent: string[] = [];
	closed = false;
	isBehind = false;
	/** Why it was closed. */
	reason: CloseReason | undefined;
	paused = false;
	/** Set while the client does not read. */
	room: Promise<void> | undefined;
	/** What the session watches for. */
	idleTime: number | undefined;
	becomeIdle = () => {};
	send(frame: string): void {
		this.sent.push(frame);
	}
	encodePart(text: string): Buffer {
		return Buffer.from(text);
	}
	sendParts(parts: readonly Buffer[]): void {
		this.sent.push(Buffer.concat(parts).toString());
	}
	isSendingParts = false;
	broadcast({ text }: Broadcast): void {
		this.sent.push(text);
	}
	close(reason: CloseReason): void {
		this.reason ??= reason;
		this.closed = true;
	}
	terminate(): void {}
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
		return this.room;
	}
}
