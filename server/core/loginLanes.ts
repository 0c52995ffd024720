/**
 * Limits how many logins run concurrently, so that they do not slow down the calls of other users. Further logins wait
 * in a queue. When the queue is full, they are refused. A lane is such a limit with its queue. There are two lanes: one
 * for logins with a password, which occupy a core for about 60 ms, and one for logins with a token, which need one
 * query.
 */
import { availableParallelism } from 'node:os';
import type { LoginLane } from '../../shared/context.js';
import { clientError } from '../../shared/errors.js';
import { retryConnectionSeconds } from './admission.js';
import { FairQueue } from './fairQueue.js';
import type { ServerObserver } from './observer.js';

interface LaneSize {
	/** Number of logins that run concurrently. */
	readonly width: number;
	/** Maximum number of logins that wait. One address may have half of that number. */
	readonly maxWaiting: number;
}

/** Number of threads in which Node computes hashes and reads files. Node's default is 4. */
const POOL_SIZE = Number(process.env.UV_THREADPOOL_SIZE) || 4;

/**
 * Number of passwords that are checked concurrently. Half of the threads stay free, and one core for the event loop.
 */
const PASSWORD_WIDTH = Math.max(1, Math.min(Math.floor(POOL_SIZE / 2), availableParallelism() - 1));

export const LANE_SIZES: Readonly<Record<LoginLane, LaneSize>> = {
	// The last login in a full queue starts after about twelve seconds.
	password: { width: PASSWORD_WIDTH, maxWaiting: 200 * PASSWORD_WIDTH },
	// Tokens looked up in one turn of the event loop share a query (`tokenLookup.ts`), so a long queue is soon empty.
	token: { width: 200, maxWaiting: 20_000 },
};

interface LaneClient {
	readonly address: string | null;
	/** Fires when the login is not needed any more. */
	readonly signal: AbortSignal;
}

interface WaitingLogin {
	readonly address: string | null;
	start(): void;
}

class Lane {
	#running = 0;
	/** Empty unless `width` logins run. */
	readonly #waiting = new FairQueue<WaitingLogin>();

	constructor(
		private readonly name: LoginLane,
		private readonly size: LaneSize,
		private readonly observer: ServerObserver | undefined,
	) {}

	async run<T>(client: LaneClient, work: () => Promise<T>): Promise<T> {
		if (this.#running >= this.size.width) await this.#waitForPlace(client);
		else this.#running++;
		try {
			return await work();
		} finally {
			// The next login takes over the place, so `#running` stays as it is.
			const next = this.#waiting.take();
			if (next) {
				this.#reportWaiting();
				next.start();
			} else {
				this.#running--;
			}
		}
	}

	#waitForPlace({ address, signal }: LaneClient): Promise<void> {
		const { maxWaiting } = this.size;
		const isFull = this.#waiting.size >= maxWaiting || this.#waiting.countOf(address) >= maxWaiting / 2;
		if (isFull) {
			this.observer?.onLoginRefused(this.name);
			return Promise.reject(tooManyLogins());
		}
		return new Promise((resolve, reject) => {
			const login = {
				address,
				start() {
					signal.removeEventListener('abort', onAbort);
					resolve();
				},
			};
			const onAbort = () => {
				if (!this.#waiting.delete(login)) return;
				this.#reportWaiting();
				// The outcome is not needed, so any error will do.
				reject(tooManyLogins());
			};
			this.#waiting.add(login);
			this.#reportWaiting();
			signal.addEventListener('abort', onAbort, { once: true });
			if (signal.aborted) onAbort();
		});
	}

	#reportWaiting(): void {
		this.observer?.onWaitingLogins(this.name, this.#waiting.size);
	}
}

function tooManyLogins() {
	return clientError('tooManyLogins', { timeToReset: retryConnectionSeconds() * 1000 });
}

export class LoginLanes {
	readonly #lanes: Readonly<Record<LoginLane, Lane>>;

	constructor(observer: ServerObserver | undefined, sizes = LANE_SIZES) {
		this.#lanes = {
			password: new Lane('password', sizes.password, observer),
			token: new Lane('token', sizes.token, observer),
		};
	}

	/**
	 * Runs a part of a login when its turn comes.
	 * @throws ClientError 503 if too many logins wait or `client.signal` fires before its turn; then `work` is not called
	 */
	run<T>(lane: LoginLane, client: LaneClient, work: () => Promise<T>): Promise<T> {
		return this.#lanes[lane].run(client, work);
	}
}
