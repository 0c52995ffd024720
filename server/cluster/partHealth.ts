/** Receives the health of a part of the server that connects to another program. */
export interface PartHealth {
	ok(): void;
	/** The part does not work, but the server can do without it. @param reason a text without secrets: everyone may read it */
	degraded(reason: string): void;
	/** Sets the function that returns the details of each health report. */
	details(read: () => object): void;
}
