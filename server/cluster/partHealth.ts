/** Receives the health of a part of the server that connects to other processes. */
export interface PartHealth {
	ok(): void;
	/** The part does not work, but the server can go on. @param reason a text without secrets, which everyone may read */
	degraded(reason: string): void;
	/** Sets the function that returns the details for each health report. */
	details(read: () => object): void;
}
