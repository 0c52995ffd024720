/** The part of a pino logger that Roomkey uses. Neither facts nor text may contain a token, a password or a key. */
export interface Log {
	debug(facts: object, text: string): void;
	info(facts: object, text: string): void;
	warn(facts: object, text: string): void;
	error(facts: object, text: string): void;
}
