/** The bodies of successful REST answers, from what a method returns. */
import type { RestRoute } from '../../shared/method.js';
import type { Shape } from '../../shared/shape.js';
import { choicesOf, type JsonSchema, mayBeNothing, type SchemaMaker } from './schema.js';

const SUCCESS = { name: 'success', isOptional: false, shape: { kind: 'literal', value: true } } as const;

/**
 * The body for one kind of return value. As `succeeded` writes it, the members of a plain object stand beside
 * `success`, and any other value is the member `result`.
 */
function bodyOf(shape: Shape, maker: SchemaMaker): JsonSchema {
	if (shape.kind === 'named') return bodyOf(shape.shape, maker);
	if (shape.kind === 'object') return maker.object([...shape.members, SUCCESS], shape.others);
	if (shape.kind === 'any') return maker.object([SUCCESS], shape);
	return maker.object([{ name: 'result', isOptional: false, shape }, SUCCESS], null);
}

/** The body of a successful answer. @param returns what the method returns; undefined: unknown */
export function answerBody(returns: Shape | undefined, rest: RestRoute, maker: SchemaMaker): JsonSchema {
	const nothing = maker.object([SUCCESS], null);
	if (rest.empty) return nothing;
	if (!returns) return bodyOf({ kind: 'any' }, maker);
	const bodies = choicesOf(returns).map((choice) => bodyOf(choice, maker));
	const all = mayBeNothing(returns) ? [...bodies, nothing] : bodies;
	return all.length === 1 ? (all[0] as JsonSchema) : { anyOf: all };
}
