/** Fails each test in which a method answered or threw what its definition does not declare. */
import { takeViolations } from './declared.js';

export const mochaHooks = {
	afterEach(): void {
		const violations = takeViolations();
		if (violations.length > 0) throw new Error(violations.join('\n'));
	},
};
