/** The connection as methods see it (`contract/ddp.md` section 13). */
import type { Log } from '../../shared/log.js';
import type { Connection } from '../../shared/method.js';
import type { Transport } from './transport.js';

export class ClientConnection implements Connection {
	readonly clientAddress: string | null;
	readonly httpHeaders: Connection['httpHeaders'];
	readonly #log: Log;
	#closed = false;
	/** Made when the first one comes: few connections have any. */
	#listeners: (() => void | Promise<void>)[] | undefined;

	constructor(
		readonly id: string,
		transport: Transport,
		readonly close: () => void,
		log: Log,
	) {
		this.#log = log;
		this.clientAddress = transport.clientAddress;
		this.httpHeaders = transport.headers;
	}

	onClose(listener: () => void | Promise<void>): void {
		if (this.#closed) this.#callSoon(listener);
		else if (this.#listeners) this.#listeners.push(listener);
		else this.#listeners = [listener];
	}

	/** The transport has closed. */
	closed(): void {
		this.#closed = true;
		for (const listener of this.#listeners ?? []) this.#callSoon(listener);
		this.#listeners = undefined;
	}

	#callSoon(listener: () => void | Promise<void>): void {
		setImmediate(async () => {
			try {
				await listener();
			} catch (err) {
				this.#log.error({ err }, 'Exception in an onClose listener');
			}
		});
	}
}
