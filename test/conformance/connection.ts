/** One connection of the runner: a raw WebSocket with one message in each frame, or SockJS frames on a WebSocket. */
import { WebSocket } from 'ws';

/** How a connection was closed. */
export interface Closed {
	readonly code: number;
	readonly reason: string;
}

/** A connection that the runner uses. */
export interface Connection {
	/** The next message as text; after the last one, how the connection was closed. @throws Error after the timeout */
	next(timeout: number): Promise<string | Closed>;
	/** Sends one message. */
	send(text: string): void;
	/** Sends a frame as it is. */
	sendFrame(frame: string | Uint8Array): void;
	/** Ends the connection at once. */
	terminate(): void;
	/** Closes the connection with the code 1000, as a client that leaves does. */
	close(): void;
	/** The first frames, up to `MAX_FRAMES`: `<` from the server, `>` from the client. Long ones are cut. */
	readonly transcript: string[];
}

/** Maximum number of frames in a transcript. */
const MAX_FRAMES = 200;

/**
 * Opens a connection.
 * @param framing `sockjs`: messages are sent and received in SockJS frames, and the frame `o` must come first
 * @throws Error if it cannot be opened
 */
export async function openConnection(url: string, framing: 'none' | 'sockjs', timeout: number): Promise<Connection> {
	const socket = new WebSocket(url, { handshakeTimeout: timeout });
	const messages: string[] = [];
	const transcript: string[] = [];
	let closed: Closed | undefined;
	let notify = () => {};

	function note(direction: '<' | '>', frame: string): void {
		if (transcript.length < MAX_FRAMES)
			transcript.push(`${direction} ${frame.length > 500 ? `${frame.slice(0, 500)}…` : frame}`);
	}
	socket.on('message', (data) => {
		const frame = String(data);
		note('<', frame);
		messages.push(...(framing === 'sockjs' ? messagesIn(frame) : [frame]));
		notify();
	});
	socket.on('close', (code, reason) => {
		closed = { code, reason: String(reason) };
		note('<', `(closed with ${code} ${closed.reason})`);
		notify();
	});
	await new Promise<void>((resolve, reject) => {
		socket.once('open', resolve);
		socket.on('error', reject);
	});

	async function next(timeout: number): Promise<string | Closed> {
		const limit = Date.now() + timeout;
		for (;;) {
			const found = messages.shift() ?? closed;
			if (found !== undefined) return found;
			const left = limit - Date.now();
			if (left <= 0) throw new Error('nothing has arrived in time');
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, left);
				notify = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
	}

	const sendFrame = (frame: string | Uint8Array) => {
		note('>', typeof frame === 'string' ? frame : `(binary) ${Buffer.from(frame)}`);
		socket.send(frame, { binary: typeof frame !== 'string' });
	};
	const connection: Connection = {
		transcript,
		next,
		send: (text) => sendFrame(framing === 'sockjs' ? JSON.stringify([text]) : text),
		sendFrame,
		terminate: () => socket.terminate(),
		close: () => socket.close(1000),
	};
	if (framing === 'sockjs') {
		try {
			const first = await next(timeout);
			if (first !== 'o') throw new Error(`expected the SockJS frame o, received ${JSON.stringify(first)}`);
		} catch (error) {
			socket.terminate();
			throw error;
		}
	}
	return connection;
}

/** The messages in a SockJS frame. A heartbeat, `h`, and the last frame, `c…`, have none. Other texts are returned unchanged. */
function messagesIn(frame: string): string[] {
	if (frame === 'h' || frame.startsWith('c')) return [];
	if (!frame.startsWith('a')) return [frame];
	try {
		return (JSON.parse(frame.slice(1)) as unknown[]).map(String);
	} catch {
		return [frame];
	}
}
