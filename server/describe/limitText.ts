import type { Limit } from '../../shared/limit.js';

/** States a limit in words. */
export function formatLimit({ calls, per }: Limit): string {
	const count = calls === 1 ? '1 call' : `${calls.toLocaleString('en')} calls`;
	if (per === 60_000) return `${count} per minute`;
	return per === 1000 ? `${count} in 1 second` : `${count} in ${per / 1000} seconds`;
}
