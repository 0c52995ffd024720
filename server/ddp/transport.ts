/** What a session needs of a socket, and what a socket tells a session. The session knows no more of the network. */
export interface Transport {
	/** Sends one DDP message. Ignored once the transport is closed. */
	send(frame: string): void;
	/** Closes it: 1000, `Normal closure`, in every case (`contract/ddp.md` 1.2). */
	close(): void;
	/** Bytes that were sent but not yet taken by the client. */
	readonly bufferedAmount: number;
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

/** Begins a session over a transport that has just opened, and gives back what that must tell it. */
export type OpenSession = (transport: Transport) => Receiver;
