/** Makes the schemas of successful REST answers. */
import type { RestRoute } from '../../shared/method.js';
import { ANY, type Shape } from '../../shared/shape.js';
import { acceptsUndefined, choicesOf, type JsonSchema, type SchemaMaker } from './schema.js';

const SUCCESS = { name: 'success', isOptional: false, shape: { kind: 'literal', value: true } } as const;

/** The choices of a shape. A named shape is replaced by its choices. */
const namelessChoices = (shape: Shape): Shape[] =>
	choicesOf(shape).flatMap((choice) => (choice.kind === 'named' ? namelessChoices(choice.shape) : [choice]));

const withSuccess = ({ properties = {}, required = [], ...others }: JsonSchema): JsonSchema => ({
	...others,
	properties: { ...(properties as object), success: { const: true } },
	required: [...(required as string[]), 'success'],
});

/**
 * The body for one shape of return value, as `succeeded` in `rest/envelope.ts` makes it. The members of a plain object
 * stand beside `success`. Any other value is the member `result`. An unknown value may be either.
 */
function bodyOf(shape: Shape, maker: SchemaMaker): JsonSchema {
	if (shape.kind === 'object') return maker.object([...shape.members, SUCCESS], shape.others);
	if (shape.kind === 'any') return maker.object([SUCCESS], shape);
	if (shape.kind === 'where') {
		const schema = maker.schemaOf(shape);
		if (schema.type === 'object') return withSuccess(schema);
		// Without a single type, the value may be an object.
		if (typeof schema.type !== 'string') return bodyOf(ANY, maker);
	}
	return maker.object([{ name: 'result', isOptional: false, shape }, SUCCESS], null);
}

/** The body of a successful answer. @param returns the shape of the return value; undefined: unknown */
export function answerBody(returns: Shape | undefined, rest: RestRoute, maker: SchemaMaker): JsonSchema {
	const successOnly = maker.object([SUCCESS], null);
	if (rest.empty) return successOnly;
	if (!returns) return bodyOf(ANY, maker);
	const bodies = namelessChoices(returns).map((choice) => bodyOf(choice, maker));
	if (acceptsUndefined(returns)) bodies.push(successOnly);
	return bodies.length === 1 ? (bodies[0] as JsonSchema) : { anyOf: bodies };
}
