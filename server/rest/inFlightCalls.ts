import type { ServerResponse } from 'node:http';

/**
 * The REST calls in progress, and their abort signals. A shutdown calls `close` to wait for them. If they take longer than
 * the grace period, it calls `abort`, and at last `disconnect`.
 */
export class InFlightCalls {
	readonly #controllers = new Set<AbortController>();
	readonly #responses = new Set<ServerResponse>();
	#isAborted = false;
	#isClosed = false;
	#onIdle = () => {};

	/** Whether new calls must be refused. The store is closed when the last call has ended, so no further call may begin. */
	get isClosed(): boolean {
		return this.#isClosed;
	}

	/** Counts a call until `end` is called. */
	begin(response: ServerResponse): void {
		this.#responses.add(response);
	}

	/** Stops counting a call. Its answer is written, or will never be written. */
	end(response: ServerResponse): void {
		this.#responses.delete(response);
		if (this.#responses.size === 0) this.#onIdle();
	}

	/** Makes a signal that fires when the client disconnects before the answer, or by `abort`. */
	createSignal(response: ServerResponse): AbortSignal {
		const controller = new AbortController();
		if (this.#isAborted || response.closed) {
			controller.abort();
			return controller.signal;
		}
		this.#controllers.add(controller);
		response.once('close', () => {
			this.#controllers.delete(controller);
			if (!response.writableFinished) controller.abort();
		});
		return controller.signal;
	}

	/** Aborts the calls in progress, and later ones as they begin. Only `close` and `disconnect` refuse calls. */
	abort(): void {
		this.#isAborted = true;
		for (const controller of this.#controllers) controller.abort();
	}

	/** Refuses new calls. Resolves when those in progress have ended. */
	close(): Promise<void> {
		this.#isClosed = true;
		return new Promise((resolve) => {
			this.#onIdle = resolve;
			if (this.#responses.size === 0) resolve();
		});
	}

	/** Refuses new calls, and disconnects the clients of those in progress. These calls count as ended. */
	disconnect(): void {
		this.#isClosed = true;
		for (const response of this.#responses) {
			response.destroy();
			this.end(response);
		}
	}
}
