/** Checks what methods answer against what their definitions declare, in every test that calls one. */
import { methods as catalogue } from '../../methods/index.js';
import { isClientSafe, MatchError, toClientError } from '../../shared/errors.js';
import { commonErrors, type Method } from '../../shared/method.js';

/** What was not as declared, since it was last asked for. */
const violations = new Set<string>();

/** What has been found, which is then forgotten. */
export function takeViolations(): string[] {
	const found = [...violations];
	violations.clear();
	return found;
}

/** A test's own method may be anything. */
const declaring = new Set(catalogue);

function checkAnswer({ name, returns }: Method, answer: unknown): void {
	const fault = returns?.fault(answer);
	if (fault) violations.add(`${name} returned what it does not declare: ${fault.text} at '${fault.path}'`);
}

function checkError(method: Method, thrown: unknown): void {
	if (!method.errors || thrown instanceof MatchError || !isClientSafe(thrown)) return;
	const { error } = toClientError(thrown);
	if ([...method.errors, ...commonErrors(method)].includes(error)) return;
	violations.add(`${method.name} threw '${error}', which it does not declare`);
}

/** The same methods, which are looked at while they run. */
export function checkingDeclarations(methods: readonly Method[]): Method[] {
	return methods.map((method) => {
		if (!declaring.has(method)) return method;
		const run: Method['run'] = async (args, context) => {
			try {
				const answer = await method.run(args, context);
				checkAnswer(method, answer);
				return answer;
			} catch (thrown) {
				checkError(method, thrown);
				throw thrown;
			}
		};
		return Object.freeze({ ...method, run });
	});
}
