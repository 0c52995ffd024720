/** A connection between processes, which `nats.ts` implements. */

export interface LinkHandlers {
	/** Another process has sent a message, which is not checked yet. */
	onMessage(data: Uint8Array): void;
	/** Messages arrive from now on. */
	onConnect(): void;
	/** The connection is lost, or an attempt has failed. @param reason a text that everyone may read */
	onDisconnect(reason: string): void;
}

export interface Link {
	/** Connects, and connects again after each loss. Does not wait for the connection. */
	start(handlers: LinkHandlers): void;
	/** Largest message, in bytes. */
	readonly maxBytes: number;
	/** Sends a message to all other processes. Drops it without a connection, or if it is larger than `maxBytes`. */
	send(data: Uint8Array): void;
	/** Disconnects when all messages are sent. */
	close(): Promise<void>;
}
