/** The parts with which a test runs several servers of one service in one process: stores on the same data, and a network. */
import type { Link, LinkHandlers } from '../../server/cluster/link.js';
import type { Backend } from '../../server/store/collection.js';
import { buildStore, type OpenStore } from '../../server/store/collections.js';
import { memoryBackend } from '../../server/store/memory.js';

/** Opens several stores on the same data. Each announces only its own writes, as if it were in a process of its own. */
export async function openSameData(count: number): Promise<OpenStore[]> {
	const backends = new Map<string, Promise<Backend>>();
	const opened: OpenStore[] = [];
	for (let i = 0; i < count; i++) {
		opened.push(
			await buildStore([], async (spec) => {
				const backend = backends.get(spec.name) ?? memoryBackend(spec);
				backends.set(spec.name, backend);
				return backend;
			}),
		);
	}
	return opened;
}

/** A link that a test can cut. */
export interface TestLink extends Link {
	/** Loses the connection, and the messages that have not arrived. */
	cut(): void;
	/** Connects again. */
	restore(): void;
	/** Sends any data as if this link had sent it. */
	inject(data: string | Uint8Array): void;
}

/** A network in memory. Messages arrive in a later turn of the event loop. */
export class TestNetwork {
	readonly #members = new Set<{ handlers: LinkHandlers; isConnected: boolean }>();

	link({ maxBytes = 1_048_576, isConnected = true } = {}): TestLink {
		const members = this.#members;
		let member: { handlers: LinkHandlers; isConnected: boolean } | undefined;
		const send = (data: Uint8Array) => {
			for (const other of members) {
				if (other === member || !other.isConnected) continue;
				setImmediate(() => other.isConnected && other.handlers.onMessage(data));
			}
		};
		return {
			maxBytes,
			start(handlers) {
				member = { handlers, isConnected };
				members.add(member);
				if (isConnected) setImmediate(() => handlers.onConnect());
			},
			send: (data) => void (member?.isConnected && send(data)),
			async close() {
				if (member) members.delete(member);
			},
			cut() {
				if (!member) return;
				member.isConnected = false;
				member.handlers.onDisconnect('it was cut');
			},
			restore() {
				if (!member) return;
				member.isConnected = true;
				member.handlers.onConnect();
			},
			inject: (data) => send(Buffer.from(data)),
		};
	}
}
