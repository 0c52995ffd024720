/** Checks the results and errors of methods against their declarations, in every test that calls a method. */
import { methods as catalogue } from '../../methods/index.js';
import { isClientSafe, MatchError, toClientError } from '../../shared/errors.js';
import { commonErrors, type Method } from '../../shared/method.js';

/** Differences from the declarations that `takeViolations` has not returned yet. */
const violations = new Set<string>();

/** Returns the differences that were found, and forgets them. */
export function takeViolations(): string[] {
	const found = [...violations];
	violations.clear();
	return found;
}

/** A test's own methods are not checked. */
const checkedMethods = new Set(catalogue);

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

/** Wraps methods, so that their results and errors are checked. */
export function checkingDeclarations(methods: readonly Method[]): Method[] {
	return methods.map((method) => {
		if (!checkedMethods.has(method)) return method;
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
