/** A method whose calls run until the test ends them. By `once: true`, a repeated call receives the first answer. */
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';

export class WaitingMethod {
	runs = 0;
	#onBegin = () => {};
	#end = (_answer: string) => {};

	readonly method: Method = method({
		name: 'test.wait',
		summary: 'for a test',
		args: {},
		rest: 'POST',
		once: true,
		returns: Match.Any,
		run: () =>
			new Promise((resolve) => {
				this.runs++;
				this.#end = resolve;
				this.#onBegin();
			}),
	});

	/** Resolves when the next run has begun. */
	begun(): Promise<void> {
		return new Promise((resolve) => {
			this.#onBegin = resolve;
		});
	}

	/** Ends the latest run. */
	end(answer: string): void {
		this.#end(answer);
	}
}
