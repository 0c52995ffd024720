/** The interface of a connection between processes. `nats.ts` implements it; tests have other implementations. */

export interface LinkHandlers {
	/** A message of another process has arrived. Its content is not checked yet. */
	onMessage(data: Uint8Array): void;
	/** Messages arrive from now on. */
	onConnect(): void;
	/**
	 * The connection is lost, or an attempt to connect has failed.
	 * @param reason a text without secrets, because everyone may read it
	 */
	onDisconnect(reason: string): void;
}

export interface Link {
	/** Connects, and connects again whenever the connection is lost. Does not wait for the connection. */
	start(handlers: LinkHandlers): void;
	/** Largest message, in bytes. */
	readonly maxBytes: number;
	/** Sends a message to all other processes. Drops it while there is no connection, and if it is larger than `maxBytes`. */
	send(data: Uint8Array): void;
	/** Waits until the messages passed to `send` are sent, and disconnects. */
	close(): Promise<void>;
}
