/** The part of a logger the stores use; pino's fits. */
export interface StoreLog {
	warn(facts: object, message: string): void;
	info(facts: object, message: string): void;
}
