/** A transport that goes nowhere: what is sent can be looked at. */
import type { Broadcast } from '../../server/ddp/broadcast.js';
import type { Transport } from '../../server/ddp/transport.js';

export class FakeTransport implements Transport {
	readonly clientAddress = null;
	readonly headers = {};
	readonly sent: string[] = [];
	closed = false;
	paused = false;
	/** What the session watches for. */
	idleTime: number | undefined;
	onIdle = () => {};
	send(frame: string): void {
		this.sent.push(frame);
	}
	broadcast({ text }: Broadcast): void {
		this.sent.push(text);
	}
	close(): void {
		this.closed = true;
	}
	cut(): void {}
	pause(): void {
		this.paused = true;
	}
	resume(): void {
		this.paused = false;
	}
	watchIdle(time: number, onIdle: () => void): void {
		this.idleTime = time;
		this.onIdle = onIdle;
	}
	roomForMore(): Promise<void> | undefined {
		return undefined;
	}
}
