/** The connection between processes. `nats.ts` is one; tests have others. */

export interface LinkHandlers {
	/** A message of another process has arrived. It may be anything. */
	onMessage(data: Uint8Array): void;
	/** Messages arrive from now on. */
	onConnect(): void;
	/** No more messages arrive. @param reason for everyone to read, so without secrets */
	onDisconnect(reason: string): void;
}

export interface Link {
	/** Begins to connect, and connects again whenever the connection is lost. */
	start(handlers: LinkHandlers): void;
	/** Largest message, in bytes. */
	readonly maxBytes: number;
	/** Sends a message to all other processes. Only while it is connected. */
	send(data: Uint8Array): void;
	/** Sends what has been passed to `send`, and disconnects. */
	close(): Promise<void>;
}
