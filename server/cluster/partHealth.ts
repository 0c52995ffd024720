/** Receives the state of a part of the server that reports it itself, such as a connection. */
export interface PartHealth {
	ok(): void;
	/** The part does not work, but the server can go on without it. @param reason public, so without secrets */
	degraded(reason: string): void;
	/** Sets a function that returns public facts about the part at each report of the server. */
	details(read: () => object): void;
}
