/**
 * The result of one check. `off`: the check does not apply, or there is nothing to check. Only `failed` makes `roomkey check`
 * end with the exit code 1.
 */
export interface CheckResult {
	/** What was checked, such as `folder: disk`. */
	readonly part: string;
	readonly status: 'ok' | 'warning' | 'failed' | 'off';
	readonly note: string;
}

/** The results of several checks. */
export interface CheckReport {
	readonly results: readonly CheckResult[];
	/** Whether a server has found that its data is no longer in its folder. */
	readonly isDataLost?: boolean;
	/** Two clocks at the same moment, in ms since 1970: that of this machine, and that of `owner`, such as `the server`. */
	readonly time?: { readonly local: number; readonly remote: number; readonly owner: string };
}
