/** The connection as methods see it (`test/contract/ddp.md` section 13). */
import type { Log } from '../../shared/log.js';
import type { Connection } from '../../shared/method.js';
import { callListener } from '../core/callListener.js';
import type { Transport } from './transports/transport.js';

export class ClientConnection implements Connection {
	readonly clientAddress: string | null;
	readonly httpHeaders: Connection['httpHeaders'];
	readonly #session: { close(): void };
	readonly #log: Log;
	#closed = false;
	#listeners: (() => void | Promise<void>)[] | undefined;

	constructor(
		readonly id: string,
		transport: Transport,
		session: { close(): void },
		log: Log,
	) {
		this.#session = session;
		this.#log = log;
		this.clientAddress = transport.clientAddress;
		this.httpHeaders = transport.headers;
	}

	/** A bound function, so that methods may pass `connection.close` on as a callback. */
	get close(): () => void {
		return () => this.#session.close();
	}

	onClose(listener: () => void | Promise<void>): void {
		if (this.#closed) this.#callSoon(listener);
		else if (this.#listeners) this.#listeners.push(listener);
		else this.#listeners = [listener];
	}

	/** Must be called when the connection has closed. */
	end(): void {
		this.#closed = true;
		for (const listener of this.#listeners ?? []) this.#callSoon(listener);
		this.#listeners = undefined;
	}

	#callSoon(listener: () => void | Promise<void>): void {
		const logFailure = (err: unknown) => this.#log.error({ err }, 'Exception in an onClose listener');
		setImmediate(() => callListener(listener, logFailure));
	}
}
