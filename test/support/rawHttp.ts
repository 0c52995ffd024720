/** Sends HTTP as text on a socket, for requests that a proper client does not send. */
import { connect, type Socket } from 'node:net';

export class RawHttp {
	text = '';
	readonly #closed: Promise<unknown>;

	constructor(readonly socket: Socket) {
		socket.on('error', () => {});
		socket.on('data', (data) => {
			this.text += data;
		});
		this.#closed = new Promise((resolve) => socket.once('close', resolve));
	}

	/** Opens a socket to the port of an address. */
	static to(url: string): RawHttp {
		return new RawHttp(connect(Number(new URL(url).port), '127.0.0.1'));
	}

	send(text: string): this {
		this.socket.write(text);
		return this;
	}

	/** Waits until the connection is closed, and returns all that the server has sent. */
	async untilClosed(): Promise<string> {
		await this.#closed;
		return this.text;
	}
}

export function upgradeRequest(path: string, headers: Readonly<Record<string, string>> = {}): string {
	const all = {
		host: 'x',
		connection: 'Upgrade',
		upgrade: 'websocket',
		'sec-websocket-version': '13',
		'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
		...headers,
	};
	const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
	return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
