import type { ServerResponse } from 'node:http';

/**
 * The REST calls in progress, and their abort signals. A shutdown calls `close`, after the grace period `abort`, and at last
 * `disconnect`.
 */
export class InFlightCalls {
	readonly #controllers = new Set<AbortController>();
	readonly #responses = new Set<ServerResponse>();
	#isAborted = false;
	#isClosed = false;
	#onIdle = () => {};

	/** Whether new calls must be refused, because the store is closed when the last call has ended. */
	get isClosed(): boolean {
		return this.#isClosed;
	}

	/** Counts a call until `end` is called. */
	begin(response: ServerResponse): void {
		this.#responses.add(response);
	}

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

	/** Aborts the calls in progress, and later ones as they begin. */
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

	/** Refuses new calls, and disconnects the clients of those in progress. */
	disconnect(): void {
		this.#isClosed = true;
		for (const response of this.#responses) {
			response.destroy();
			this.end(response);
		}
	}
}
