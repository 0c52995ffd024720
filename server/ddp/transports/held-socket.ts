/** A socket that waits for its upgrade, and is read while it waits: only a read shows that the client has disconnected. */
import type { Duplex } from 'node:stream';

/** Maximum number of bytes that a client may send before the upgrade. Ordinary clients send none. */
const MAX_EARLY_BYTES = 16_384;

/**
 * Holds a socket.
 * @param onGone called if the client disconnects or sends too much, when the socket has been destroyed
 * @returns a function that ends the hold, and returns what the client has sent
 */
export function holdSocket(socket: Duplex, onGone: () => void): () => Buffer {
	const chunks: Buffer[] = [];
	let bytes = 0;
	function onData(chunk: Buffer): void {
		bytes += chunk.length;
		if (bytes > MAX_EARLY_BYTES) end();
		else chunks.push(chunk);
	}
	function release(): void {
		socket.off('data', onData).off('end', end).off('close', end);
	}
	function end(): void {
		release();
		socket.destroy();
		onGone();
	}
	socket.on('data', onData).on('end', end).on('close', end);
	return () => {
		release();
		return Buffer.concat(chunks);
	};
}
