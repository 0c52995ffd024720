/** Connections of the runner: WebSockets with or without SockJS frames. */
import { WebSocket } from 'ws';

/** How a connection was closed. */
export interface Closed {
	readonly code: number;
	readonly reason: string;
}

/** A connection to the server under test. */
export interface Connection {
	/** The next message. After the last one, how the connection was closed. @throws Error after `timeout` ms */
	next(timeout: number): Promise<string | Closed>;
	send(text: string): void;
	/** Sends a frame as it is. */
	sendFrame(frame: string | Uint8Array): void;
	/** Ends the connection at once. */
	terminate(): void;
	/** Closes the connection with the code 1000. */
	close(): void;
	/** The first `MAX_FRAMES` frames: `<` from the server, `>` from the client. Long frames are cut. */
	readonly transcript: string[];
}

const MAX_FRAMES = 200;

/**
 * Opens a connection.
 * @param framing `sockjs`: messages are in SockJS frames, and the first frame is `o`
 * @throws Error if the connection cannot be opened
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

/** The messages in a SockJS frame. Heartbeats (`h`) and close frames (`c…`) have none. Others are returned unchanged. */
function messagesIn(frame: string): string[] {
	if (frame === 'h' || frame.startsWith('c')) return [];
	if (!frame.startsWith('a')) return [frame];
	try {
		return (JSON.parse(frame.slice(1)) as unknown[]).map(String);
	} catch {
		return [frame];
	}
}
