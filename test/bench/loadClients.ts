/** Many clients of one server, in a process that follows orders and sends a message after each. */
import { WebSocket } from 'ws';

export type Order =
	| {
			readonly what: 'open';
			readonly port: number;
			readonly count: number;
			/** Each message is sent after the answer to the one before. `TOKEN` is the connection's entry of `tokens`. */
			readonly greeting: readonly Greeting[];
			readonly tokens?: readonly string[];
	  }
	/** Waits for so many events that no earlier order has waited for. Reports the time of each. */
	| { readonly what: 'await'; readonly events: number };

/** @property answer how the answer begins */
export interface Greeting {
	readonly text: string;
	readonly answer: string;
}

/** Connections opened at a time. */
const AT_ONCE = 100;

const EVENT = Buffer.from('{"msg":"changed"');

/** When the events arrived that no order has waited for yet, in ms since 1970. */
const arrivals: number[] = [];
/** Number of events that the order waits for. */
let awaited = Number.POSITIVE_INFINITY;

function done(message: unknown = 'done'): void {
	process.send?.(message);
}

function check(): void {
	if (arrivals.length < awaited) return;
	const times = arrivals.splice(0, awaited);
	awaited = Number.POSITIVE_INFINITY;
	done(times);
}

function open(port: number, greeting: readonly Greeting[], token = ''): Promise<void> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { perMessageDeflate: false });
		let step = -1;
		function next(): void {
			const entry = greeting[++step];
			if (entry) socket.send(entry.text.replace('TOKEN', token));
			else resolve();
		}
		socket.on('error', reject);
		socket.on('open', next);
		socket.on('message', (data: Buffer) => {
			if (data.subarray(0, EVENT.length).equals(EVENT)) {
				arrivals.push(performance.timeOrigin + performance.now());
				check();
				return;
			}
			const entry = greeting[step];
			if (entry && String(data).startsWith(entry.answer)) next();
		});
	});
}

async function openAll({ port, count, greeting, tokens = [] }: Order & { what: 'open' }): Promise<void> {
	for (let i = 0; i < count; i += AT_ONCE) {
		const length = Math.min(AT_ONCE, count - i);
		await Promise.all(Array.from({ length }, (_, k) => open(port, greeting, tokens[i + k])));
	}
	done();
}

process.on('message', (order: Order) => {
	if (order.what === 'open') {
		void openAll(order);
	} else {
		awaited = order.events;
		check();
	}
});
process.on('disconnect', () => process.exit());
