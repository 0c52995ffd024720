import type { ServerResponse } from 'node:http';

/** The REST calls whose methods use a signal that tells when nobody waits for the answer any more. */
export class InFlightCalls {
	readonly #controllers = new Set<AbortController>();
	#closed = false;

	/** A signal that fires when the client hangs up before it is answered, or when the server does not wait any more. */
	signalOf(response: ServerResponse): AbortSignal {
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

	/** Fires all signals, and those made later. */
	close(): void {
		this.#closed = true;
		for (const controller of this.#controllers) controller.abort();
	}
}
