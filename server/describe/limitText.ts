import type { Limit } from '../../shared/limit.js';

/** States a limit in words. */
export function formatLimit({ calls, per }: Limit): string {
	const count = calls.toLocaleString('en');
	return per === 60_000 ? `${count} calls per minute` : `${count} calls in ${per / 1000} seconds`;
}
