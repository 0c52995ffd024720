/** `off`: there is nothing to check. Only `failed` makes `roomkey check` end with the exit code 1. */
export interface CheckResult {
	/** What was checked, such as `folder: disk`. */
	readonly part: string;
	readonly status: 'ok' | 'warning' | 'failed' | 'off';
	readonly note: string;
}

export interface CheckReport {
	readonly results: readonly CheckResult[];
	/** Whether a server no longer finds its data in its folder. */
	readonly isDataLost?: boolean;
	/** The clock of this machine and that of `owner`, such as `the server`, at the same moment. In ms since 1970. */
	readonly time?: { readonly local: number; readonly remote: number; readonly owner: string };
}
