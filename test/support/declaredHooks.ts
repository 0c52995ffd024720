/**
 * Fails a test run if a method returned or threw what it does not declare, or if a request or message differed from the
 * OpenAPI or AsyncAPI document.
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
	// Throws only at the end, because mocha skips all further tests when `afterEach` fails.
	afterAll(): void {
		if (found.length === 0) return;
		const hints = [
			'A test that fails here may have a method of its own with the name of a method of Roomkey.',
			'If a call is refused that is as described, the JSON Schema of a pattern accepts more than the pattern.',
		];
		throw new Error([...found.splice(0), ...hints].join('\n'));
	},
};
