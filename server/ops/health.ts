/** Determines whether the server can do its work, for `/readyz`. */
import type { Log } from '../../shared/log.js';
import type { PartHealth } from '../cluster/partHealth.js';

/** Time limit of one check, in ms. */
const CHECK_TIMEOUT_MS = 2000;

/** For how long the results of checks are reused, in ms. */
const MAX_AGE_MS = 1000;

/** Time between two checks without a probe, in ms. These checks keep `since` and the log up to date. */
const CHECK_EVERY_MS = 10_000;

/** The state of one part of the server. `off`: not in use. `degraded`: does not work, but the server stays ready. */
export interface PartState {
	readonly status: 'ok' | 'degraded' | 'failed' | 'off';
	/** When the part changed to this status, in ISO form. */
	readonly since: string;
	/** Why the status is not `ok`. Everyone can read it, so it contains no secrets. */
	readonly reason?: string;
	/** Public facts about the part, such as the number of connected processes. */
	readonly details?: object;
}

export interface HealthReport {
	readonly status: 'ready' | 'not ready';
	/** In ISO form. */
	readonly since: string;
	/** Why the server is not ready, unless a part is the reason. */
	readonly reason?: string;
	readonly checks: Readonly<Record<string, PartState>>;
}

/** Checks a part. @returns why the part has failed; undefined if it works. Only the log names a thrown error */
export type Check = () => Promise<string | undefined>;

export class Health {
	readonly #checks = new Map<string, Check>();
	readonly #parts = new Map<string, PartState>();
	readonly #details = new Map<string, () => object>();
	#since = new Date().toISOString();
	#wasReady = false;
	/** Why the server is not ready while it starts or stops; undefined in between. */
	#blockedReason: string | undefined = 'The server is starting';
	#timer: NodeJS.Timeout | undefined;
	/** The last run of all checks, which may not have ended. */
	#lastRun: { readonly at: number; readonly result: Promise<void> } | undefined;

	/** @param limits in ms; the defaults are the constants above */
	constructor(
		private readonly log: Log,
		private readonly limits: { readonly timeout: number; readonly maxAge: number; readonly every?: number } = {
			timeout: CHECK_TIMEOUT_MS,
			maxAge: MAX_AGE_MS,
		},
	) {}

	/** Adds a part that is checked at an interval, and when a probe asks. */
	addCheck(name: string, check: Check): void {
		this.#checks.set(name, check);
	}

	/** Adds a part that reports its own state. The part is off until its first report. */
	addPart(name: string, offReason: string): PartHealth {
		this.#set(name, 'off', offReason);
		return {
			ok: () => this.#set(name, 'ok'),
			degraded: (reason) => this.#set(name, 'degraded', reason),
			details: (read) => void this.#details.set(name, read),
		};
	}

	markStarted(): void {
		this.#blockedReason = undefined;
		clearInterval(this.#timer);
		this.#timer = setInterval(() => void this.report(), this.limits.every ?? CHECK_EVERY_MS).unref();
	}

	markStopping(): void {
		this.#blockedReason = 'The server is stopping';
		clearInterval(this.#timer);
	}

	/** The state of all parts. Runs the checks, unless their last results are recent. Never rejects. */
	async report(): Promise<HealthReport> {
		if (!this.#lastRun || performance.now() - this.#lastRun.at >= this.limits.maxAge) {
			this.#lastRun = { at: performance.now(), result: this.#checkAll() };
		}
		await this.#lastRun.result;
		const isReady = !this.#blockedReason && [...this.#parts.values()].every(({ status }) => status !== 'failed');
		if (isReady !== this.#wasReady) this.#since = new Date().toISOString();
		this.#wasReady = isReady;
		return {
			status: isReady ? 'ready' : 'not ready',
			since: this.#since,
			...(this.#blockedReason && { reason: this.#blockedReason }),
			checks: Object.fromEntries([...this.#parts].map(([name, state]) => [name, this.#withDetails(name, state)])),
		};
	}

	#withDetails(name: string, state: PartState): PartState {
		const details = state.status === 'off' ? undefined : this.#details.get(name)?.();
		return details ? { ...state, details } : state;
	}

	async #checkAll(): Promise<void> {
		await Promise.all([...this.#checks].map(([name, check]) => this.#checkOne(name, check)));
	}

	async #checkOne(name: string, check: Check): Promise<void> {
		const { timeout } = this.limits;
		let timer: NodeJS.Timeout | undefined;
		const timeLimit = new Promise<string>((resolve) => {
			timer = setTimeout(resolve, timeout, `No answer within ${timeout} ms`);
		});
		try {
			const reason = await Promise.race([check(), timeLimit]);
			this.#set(name, reason === undefined ? 'ok' : 'failed', reason);
		} catch (err) {
			this.#set(name, 'failed', 'It answers with an error, which is in the log', err);
		} finally {
			clearTimeout(timer);
		}
	}

	#set(name: string, status: PartState['status'], reason?: string, err?: unknown): void {
		const before = this.#parts.get(name);
		const since = before?.status === status ? before.since : new Date().toISOString();
		this.#parts.set(name, { status, since, ...(reason !== undefined && { reason }) });
		if (before?.status === status) return;
		if (status === 'failed') this.log.error({ check: name, reason, ...(err !== undefined && { err }) }, 'Not ready');
		else if (status === 'degraded') this.log.warn({ check: name, reason }, 'A part of the server does not work');
		else if (before?.status === 'failed' || before?.status === 'degraded')
			this.log.info({ check: name }, 'Works again');
	}
}
