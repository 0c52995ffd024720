/** A message for many clients, encoded once in each form it is sent in. */
import { Sender } from 'ws';

/** An unmasked, uncompressed text frame, as servers send them (RFC 6455 section 5). */
const TEXT_FRAME = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };

export class Broadcast {
	#webSocketFrame: Buffer | undefined;

	constructor(
		/** The DDP message. */
		readonly text: string,
	) {}

	/** The bytes of a WebSocket frame that holds it. */
	get webSocketFrame(): Buffer {
		this.#webSocketFrame ??= Buffer.concat(Sender.frame(Buffer.from(this.text), TEXT_FRAME) as Buffer[]);
		return this.#webSocketFrame;
	}
}
