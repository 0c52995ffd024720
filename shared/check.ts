import { MatchError } from './errors.js';
import { compile, type Infer, type Pattern } from './pattern.js';

/**
 * Demands that a value matches a pattern (`test/contract/check.md`). From then on TypeScript knows its type.
 * @throws MatchError that says what was expected, and where; whatever else a `Match.Where` condition throws
 */
export function check<const P extends Pattern>(value: unknown, pattern: P): asserts value is Infer<P> {
	const fault = compile(pattern).fault(value);
	if (fault) throw new MatchError(fault.text, fault.path);
}
