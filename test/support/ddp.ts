/** A DDP client for tests that need every frame. */
import { WebSocket } from 'ws';
import { decode, stringify } from '../../shared/ejson.js';
import { noteSecretsIn } from './secrets.js';

export interface Frame {
	readonly msg?: string;
	readonly [member: string]: unknown;
}

export interface Outcome {
	readonly result?: unknown;
	readonly error?: { readonly error: string | number; readonly reason?: string; readonly details?: unknown };
}

export class RawClient {
	/** Received text frames that `next` has not returned yet. */
	readonly #frames: string[] = [];
	/** Called when a frame arrives and when the socket closes. */
	#onArrival: (() => void) | undefined;
	#lastId = 0;
	/** The id of the session, once connected. */
	session = '';
	readonly #closed: Promise<{ code: number; reason: string }>;

	private constructor(readonly socket: WebSocket) {
		socket.on('message', (data) => {
			this.#frames.push(String(data));
			this.#onArrival?.();
		});
		this.#closed = new Promise((resolve) => {
			socket.on('close', (code, reason) => {
				resolve({ code, reason: String(reason) });
				this.#onArrival?.();
			});
		});
	}

	/** Opens a socket and sends nothing. */
	static async open(url: string, headers: Record<string, string> = {}): Promise<RawClient> {
		const socket = new WebSocket(url, { headers });
		const client = new RawClient(socket);
		await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
		return client;
	}

	/** Opens a socket and sends `connect`. @param former the id of an earlier session, which the client asks to resume */
	static async connect(url: string, headers: Record<string, string> = {}, former?: string): Promise<RawClient> {
		const client = await RawClient.open(url, headers);
		client.send({ msg: 'connect', version: '1', support: ['1', 'pre2', 'pre1'], ...(former && { session: former }) });
		const { msg, session } = await client.next();
		if (msg !== 'connected') throw new Error(`expected connected, got ${msg}`);
		client.session = session as string;
		return client;
	}

	/** Sends an object as EJSON, or a text unchanged. */
	send(message: object | string): void {
		const text = typeof message === 'string' ? message : (stringify(message) as string);
		noteSecretsIn(text);
		this.socket.send(text);
	}

	async nextText(): Promise<string> {
		while (true) {
			const frame = this.#frames.shift();
			if (frame !== undefined) {
				noteSecretsIn(frame);
				return frame;
			}
			if (this.socket.readyState > WebSocket.OPEN) throw new Error('the socket has closed');
			await new Promise<void>((resolve) => {
				this.#onArrival = resolve;
			});
		}
	}

	async next(): Promise<Frame> {
		return decode(JSON.parse(await this.nextText())) as Frame;
	}

	async take(count: number): Promise<Frame[]> {
		const frames: Frame[] = [];
		while (frames.length < count) frames.push(await this.next());
		return frames;
	}

	/** Calls `echo`, which the server must define, and returns the frames before its result. */
	async untilEcho(): Promise<Frame[]> {
		this.send({ msg: 'method', id: 'end', method: 'echo', params: [] });
		const frames: Frame[] = [];
		while (true) {
			const frame = await this.next();
			if (frame.msg === 'result' && frame.id === 'end') return frames;
			if (frame.msg !== 'updated' || (frame.methods as string[])[0] !== 'end') frames.push(frame);
		}
	}

	/** Calls a method and waits for `result` and `updated`. Drops other frames. */
	async call(method: string, ...params: unknown[]): Promise<Outcome> {
		return this.callWithId(`call-${++this.#lastId}`, method, ...params);
	}

	/** The same as `call`, with this id. */
	async callWithId(id: string, method: string, ...params: unknown[]): Promise<Outcome> {
		this.send({ msg: 'method', id, method, params });
		let outcome: Outcome | undefined;
		let updated = false;
		while (!outcome || !updated) {
			const frame = await this.next();
			if (frame.msg === 'result' && frame.id === id) outcome = frame as Outcome;
			if (frame.msg === 'updated' && (frame.methods as string[]).includes(id)) updated = true;
		}
		return outcome;
	}

	/** The next frame that fulfils a condition. Drops the frames before it. */
	async nextThat(isWanted: (frame: Frame) => boolean): Promise<Frame> {
		for (;;) {
			const frame = await this.next();
			if (isWanted(frame)) return frame;
		}
	}

	/** Subscribes, and resolves when the subscription is ready. Drops other frames. */
	async subscribe(name: string, ...params: unknown[]): Promise<void> {
		const id = `sub-${++this.#lastId}`;
		this.send({ msg: 'sub', id, name, params });
		const { msg, error } = await this.nextThat((frame) =>
			frame.msg === 'ready' ? (frame.subs as string[]).includes(id) : frame.msg === 'nosub' && frame.id === id,
		);
		if (msg === 'nosub') throw new Error(`${name} was refused: ${JSON.stringify(error)}`);
	}

	get closed(): Promise<{ code: number; reason: string }> {
		return this.#closed;
	}

	async close(): Promise<void> {
		this.socket.close();
		await this.#closed;
	}
}
