/** Opens stores on the same data, and makes a network in memory, for several servers in one test. */
import type { Link, LinkHandlers } from '../../server/cluster/link.js';
import type { Backend } from '../../server/store/collection.js';
import { buildStore, type OpenStore } from '../../server/store/collections.js';
import { memoryBackend } from '../../server/store/memory.js';

/** Opens several stores on the same data. Each announces only its own writes, as in separate processes. */
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

export interface TestLink extends Link {
	/** Loses the connection, and the messages to this link that have not arrived. */
	cut(): void;
	restore(): void;
	/** Sends any data as if this link had sent it. */
	inject(data: string | Uint8Array): void;
}

interface Member {
	readonly handlers: LinkHandlers;
	isConnected: boolean;
	/** Members from which this one has received a message. */
	readonly sendersMet: Set<Member>;
}

/** A network in memory. Messages arrive in a later turn of the event loop. */
export class TestNetwork {
	readonly #members = new Set<Member>();

	/** Whether each connected member has received a message of every other. */
	get haveMet(): boolean {
		const connected = [...this.#members].filter(({ isConnected }) => isConnected);
		return connected.every((member) => connected.every((other) => other === member || member.sendersMet.has(other)));
	}

	link({ maxBytes = 1_048_576, isConnected = true } = {}): TestLink {
		const members = this.#members;
		let member: Member | undefined;
		const send = (data: Uint8Array) => {
			for (const other of members) {
				if (other === member || !other.isConnected) continue;
				setImmediate(() => {
					if (!other.isConnected) return;
					if (member) other.sendersMet.add(member);
					other.handlers.onMessage(data);
				});
			}
		};
		return {
			maxBytes,
			start(handlers) {
				member = { handlers, isConnected, sendersMet: new Set() };
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
