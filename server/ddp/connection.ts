/** The connection as methods see it (`contract/ddp.md` section 13). */
import type { Log } from '../../shared/log.js';
import type { Connection } from '../../shared/method.js';
import type { Transport } from './transport.js';

/** Headers a method may see; never `cookie` or `authorization`. */
const VISIBLE_HEADERS = [
	'referer',
	'x-client-ip',
	'x-forwarded-for',
	'x-forwarded-host',
	'x-forwarded-port',
	'x-cluster-client-ip',
	'via',
	'x-real-ip',
	'x-forwarded-proto',
	'x-ssl',
	'dnt',
	'host',
	'user-agent',
	'accept-language',
];

export class ClientConnection implements Connection {
	readonly clientAddress: string | null;
	readonly #log: Log;
	readonly #headers: Transport['headers'];
	#closed = false;
	readonly #listeners: (() => void | Promise<void>)[] = [];

	constructor(
		readonly id: string,
		transport: Transport,
		readonly close: () => void,
		log: Log,
	) {
		this.#log = log;
		this.clientAddress = transport.clientAddress;
		this.#headers = transport.headers;
	}

	get httpHeaders(): Readonly<Record<string, string>> {
		const visible: Record<string, string> = {};
		for (const name of VISIBLE_HEADERS) {
			const value = this.#headers[name];
			if (value !== undefined) visible[name] = String(value);
		}
		return visible;
	}

	onClose(listener: () => void | Promise<void>): void {
		if (this.#closed) this.#callSoon(listener);
		else this.#listeners.push(listener);
	}

	/** The transport has closed. */
	closed(): void {
		this.#closed = true;
		for (const listener of this.#listeners.splice(0)) this.#callSoon(listener);
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
