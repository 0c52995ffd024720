/** A message for many clients: encoded once as a WebSocket frame, and once as a SockJS frame in a WebSocket frame. */
import { messagesFrame } from './sockjs-frames.js';

/** Encodes a text as a WebSocket frame. */
function encodeTextFrame(text: string): Buffer {
	const bytes = Buffer.from(text);
	return Buffer.concat([textFrameHeader(bytes.length), bytes]);
}

/** The header of an unmasked, uncompressed text frame, as servers send them (RFC 6455 section 5). @param length of the text, in bytes */
export function textFrameHeader(length: number): Buffer {
	const TEXT = 0x81;
	if (length < 126) return Buffer.from([TEXT, length]);
	const header = Buffer.alloc(length < 65_536 ? 4 : 10);
	header[0] = TEXT;
	if (length < 65_536) {
		header[1] = 126;
		header.writeUInt16BE(length, 2);
	} else {
		header[1] = 127;
		header.writeBigUInt64BE(BigInt(length), 2);
	}
	return header;
}

export class Broadcast {
	#webSocketFrame: Buffer | undefined;
	#sockJsFrame: Buffer | undefined;

	constructor(
		/** The DDP message. */
		readonly text: string,
	) {}

	/** The bytes of a WebSocket frame that contains the message. */
	get webSocketFrame(): Buffer {
		this.#webSocketFrame ??= encodeTextFrame(this.text);
		return this.#webSocketFrame;
	}

	/** The bytes of a WebSocket frame that contains the message as a SockJS frame. */
	get sockJsFrame(): Buffer {
		this.#sockJsFrame ??= encodeTextFrame(messagesFrame([this.text]));
		return this.#sockJsFrame;
	}
}
