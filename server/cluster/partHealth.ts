/** Receives the health of a part of the server. */
export interface PartHealth {
	ok(): void;
	/** The part does not work, but the server can go on. @param reason a text that everyone may read */
	degraded(reason: string): void;
	/** Sets the function that returns the details of a report. */
	details(read: () => object): void;
}
