/** Fails a run in which a method answered or threw what its definition does not declare, and says in which tests. */
import { takeViolations } from './declared.js';

const found: string[] = [];

export const mochaHooks = {
	afterEach(this: Mocha.Context): void {
		found.push(...takeViolations().map((violation) => `${violation}\n    in: ${this.currentTest?.fullTitle()}`));
	},
	// At the end: mocha skips all further tests when a hook after a test fails.
	afterAll(): void {
		if (found.length > 0) throw new Error(found.splice(0).join('\n'));
	},
};
