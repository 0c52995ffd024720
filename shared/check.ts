import { MatchError } from './errors.js';
import { compile, type Infer, type Pattern } from './pattern.js';

/** Maximum number of errors thrown together, because each costs a stack trace. */
const MAX_ERRORS = 1000;

export interface CheckOptions {
	/** True: throws an array of the first 1,000 match errors, instead of one error (`test/contract/check.md` section 9). */
	readonly throwAllErrors?: boolean;
}

/**
 * Requires that a value matches a pattern (`test/contract/check.md`). Narrows its type for TypeScript.
 * @throws MatchError that says what was expected, and where; with `throwAllErrors` an array of them. Other errors of a
 * `Match.Where` condition are passed on.
 */
export function check<const P extends Pattern>(
	value: unknown,
	pattern: P,
	{ throwAllErrors = false }: CheckOptions = {},
): asserts value is Infer<P> {
	const matcher = compile(pattern);
	if (throwAllErrors) {
		const faults = matcher.allFaults(value);
		if (faults.length > 0) throw faults.slice(0, MAX_ERRORS).map(({ text, path }) => new MatchError(text, path));
	} else {
		const fault = matcher.fault(value);
		if (fault) throw new MatchError(fault.text, fault.path);
	}
	// The caller continues with the original value. So a value that a schema (`standardSchema.ts`) would convert must not pass.
	if (matcher.leavesUnchanged(value)) return;
	const error = new MatchError('Expected a value that its schema leaves unchanged', '');
	throw throwAllErrors ? [error] : error;
}
