/** What a session needs of a socket, and what a socket tells a session. The session knows no more of the network. */
export interface Transport {
	/** Sends one DDP message. Ignored once the transport is closed. */
	send(frame: string): void;
	/**
	 * Closes it: 1000, `Normal closure`, in every case (`contract/ddp.md` 1.2).
	 * @param tooLarge says that the client sent more than it may: 1009 for a WebSocket, as for any frame that is too large
	 */
	close(tooLarge?: boolean): void;
	/** Where the client is. */
	readonly clientAddress: string | null;
	/** Headers the client came with. */
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What the transport calls. */
export interface Receiver {
	/** One message has arrived. */
	receive(text: string): void;
	/** The transport has closed, for whatever reason. */
	closed(): void;
}
