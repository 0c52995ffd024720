/** The second factor as DDP clients send it (`contract/rocketchat-e2e.md` 7.5): behind the last argument of a method. */
import type { Method, SecondFactor } from '../shared/method.js';

/**
 * Takes the second factor off the arguments.
 * @param method undefined where there is none of that name: then nothing is taken
 * @returns the arguments that are left, and the second factor if there was one
 */
export function takeSecondFactor(
	method: Method | undefined,
	params: readonly unknown[],
): { params: readonly unknown[]; secondFactor?: SecondFactor } {
	if (!method?.secondFactor) return { params };
	const last = params.at(-1);
	if (typeof last !== 'object' || last === null) return { params };
	const { twoFactorCode: code, twoFactorMethod: named } = last as Record<string, unknown>;
	if (typeof code !== 'string') return { params };
	return {
		params: params.slice(0, -1),
		secondFactor: { code, method: typeof named === 'string' ? named : null },
	};
}
