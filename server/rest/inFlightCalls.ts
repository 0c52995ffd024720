import type { ServerResponse } from 'node:http';

/** The abort signals of the REST calls in progress. All of them fire when the server shuts down. */
export class InFlightCalls {
	readonly #controllers = new Set<AbortController>();
	#closed = false;

	/** Makes a signal that fires when the client disconnects before the answer, or when the server shuts down. */
	createSignal(response: ServerResponse): AbortSignal {
		const controller = new AbortController();
		if (this.#closed || response.closed) {
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

	/** Aborts all calls in progress. Calls that begin later are aborted at once. */
	close(): void {
		this.#closed = true;
		for (const controller of this.#controllers) controller.abort();
	}
}
