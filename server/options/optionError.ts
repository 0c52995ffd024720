/** An invalid setting, or a wrong command line. The message is for the operator. */
export class OptionError extends Error {
	override readonly name = 'OptionError';

	constructor(
		message: string,
		readonly faults: readonly string[] = [message],
	) {
		super(message);
	}

	/** Makes one error of several faults. */
	static of(faults: readonly string[]): OptionError {
		const [first = ''] = faults;
		if (faults.length === 1) return new OptionError(first);
		const lines = faults.map((fault) => `  ${fault}`);
		return new OptionError(`${faults.length} settings are wrong:\n${lines.join('\n')}`, faults);
	}
}
