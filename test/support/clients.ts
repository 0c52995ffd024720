/** DDP clients that are closed automatically after each test. */
import { RawClient } from './ddp.js';

/** Opens clients, and can close all of them. */
export class Clients {
	readonly #all: RawClient[] = [];

	async open(...how: Parameters<typeof RawClient.open>): Promise<RawClient> {
		return this.#keep(await RawClient.open(...how));
	}

	async connect(...how: Parameters<typeof RawClient.connect>): Promise<RawClient> {
		return this.#keep(await RawClient.connect(...how));
	}

	async closeAll(): Promise<void> {
		await Promise.all(this.#all.splice(0).map((client) => client.close()));
	}

	#keep(client: RawClient): RawClient {
		this.#all.push(client);
		return client;
	}
}

/** Makes clients that are closed after each test, before later `afterEach` hooks of the calling suite. */
export function clientsOfEachTest(): Clients {
	const clients = new Clients();
	afterEach(() => clients.closeAll());
	return clients;
}
