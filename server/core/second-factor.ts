/** The second factor as clients send it (`test/contract/rocketchat-e2e.md` 7.5): over DDP behind the last argument of a method. */
import type { Method, SecondFactor } from '../../shared/method.js';

/** What a client sent as its second factor; undefined where there is no code. */
export function secondFactorOf(code: unknown, method: unknown): SecondFactor | undefined {
	return typeof code === 'string' ? { code, method: typeof method === 'string' ? method : null } : undefined;
}

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
	const { twoFactorCode, twoFactorMethod } = last as Record<string, unknown>;
	const secondFactor = secondFactorOf(twoFactorCode, twoFactorMethod);
	return secondFactor ? { params: params.slice(0, -1), secondFactor } : { params };
}
