/**
 * A message for many clients. It is encoded at most once for raw WebSockets, and at most once for SockJS WebSockets.
 */
import { messagesFrame } from './sockjs-frames.js';

function encodeTextFrame(text: string): Buffer {
	const bytes = Buffer.from(text);
	return Buffer.concat([textFrameHeader(bytes.length), bytes]);
}

/** The first byte of a text frame that contains a whole message (RFC 6455 section 5.2). */
const TEXT = 0x81;

/** The second byte if the length follows as 16 or 64 bits. Smaller values are the length. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** The header of an unmasked, uncompressed text frame. @param length of the text, in bytes */
export function textFrameHeader(length: number): Buffer {
	if (length < LENGTH_16) return Buffer.from([TEXT, length]);
	if (length < 2 ** 16) {
		const header = Buffer.from([TEXT, LENGTH_16, 0, 0]);
		header.writeUInt16BE(length, 2);
		return header;
	}
	const header = Buffer.alloc(10);
	header[0] = TEXT;
	header[1] = LENGTH_64;
	header.writeBigUInt64BE(BigInt(length), 2);
	return header;
}

export class Broadcast {
	#webSocketFrame: Buffer | undefined;
	#sockJsFrame: Buffer | undefined;

	constructor(readonly text: string) {}

	/** A WebSocket frame that contains the message. */
	get webSocketFrame(): Buffer {
		this.#webSocketFrame ??= encodeTextFrame(this.text);
		return this.#webSocketFrame;
	}

	/** A WebSocket frame that contains the message in a SockJS frame. */
	get sockJsFrame(): Buffer {
		this.#sockJsFrame ??= encodeTextFrame(messagesFrame([this.text]));
		return this.#sockJsFrame;
	}
}
