/**
 * A socket that waits for its upgrade. It is read meanwhile, because only a read shows that the client has
 * disconnected.
 */
import type { Duplex } from 'node:stream';

/** Maximum number of bytes that a client may send before the upgrade. */
const MAX_EARLY_BYTES = 16_384;

/**
 * Holds and reads a socket.
 * @param onDisconnect called when the client has disconnected or sent too much; the socket is destroyed
 * @returns a function that ends the hold, and returns the data of the client
 */
export function holdSocket(socket: Duplex, onDisconnect: () => void): () => Buffer {
	const chunks: Buffer[] = [];
	let bytes = 0;
	function onData(chunk: Buffer): void {
		bytes += chunk.length;
		if (bytes > MAX_EARLY_BYTES) disconnect();
		else chunks.push(chunk);
	}
	function stopListening(): void {
		socket.off('data', onData).off('end', disconnect).off('close', disconnect);
	}
	function disconnect(): void {
		stopListening();
		socket.destroy();
		onDisconnect();
	}
	socket.on('data', onData).on('end', disconnect).on('close', disconnect);
	return () => {
		stopListening();
		return Buffer.concat(chunks);
	};
}
