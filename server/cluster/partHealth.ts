/** Where a part of the server that connects to others says how it is. */
export interface PartHealth {
	ok(): void;
	/** It does not work, but the server can go on without it. @param reason for everyone to read, so without secrets */
	degraded(reason: string): void;
	/** Sets what is read at each report. */
	details(read: () => object): void;
}
