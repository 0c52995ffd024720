/**
 * Fails a run in which a method answered or threw what its definition does not declare, or in which a request or a
 * message was otherwise than the OpenAPI or AsyncAPI document describes, and says in which tests.
 */
import { takeViolations } from './declared.js';
import { takeReports } from './described.js';
import { checkDdp } from './describedDdp.js';
import { checkRest } from './describedRest.js';

const found: string[] = [];

checkRest();
checkDdp();

export const mochaHooks = {
	afterEach(this: Mocha.Context): void {
		found.push(
			...[...takeViolations(), ...takeReports()].map(
				(violation) => `${violation}\n    in: ${this.currentTest?.fullTitle()}`,
			),
		);
	},
	// At the end: mocha skips all further tests when a hook after a test fails.
	afterAll(): void {
		if (found.length > 0) throw new Error(found.splice(0).join('\n'));
	},
};
