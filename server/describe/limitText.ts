import type { Limit } from '../../shared/limit.js';

/** States a limit in words. */
export function formatLimit({ calls, per }: Limit): string {
	const count = calls.toLocaleString('en');
	if (per === 60_000) return `${count} calls per minute`;
	return per === 1000 ? `${count} calls in 1 second` : `${count} calls in ${per / 1000} seconds`;
}
