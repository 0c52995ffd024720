/** Why a store cannot be used, in words for the one who started the server. */
export class StoreError extends Error {
	/**
	 * @param code `in-use`: another process has it; `damaged`: its files cannot be read; `unusable`: it cannot be
	 * written; `unreachable`: the database does not answer
	 */
	constructor(
		readonly code: 'in-use' | 'damaged' | 'unusable' | 'unreachable',
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
	}
}
