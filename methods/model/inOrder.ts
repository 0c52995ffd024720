/** Runs tasks with the same key one after another, in the order of the calls. */
export class TasksInOrder {
	/** The last task of each key, until it has ended. */
	readonly #last = new Map<string, Promise<void>>();

	/**
	 * Starts a task when all earlier tasks with its key have ended: at once if there are none.
	 * @returns a promise that settles as the task does
	 */
	run(key: string, task: () => Promise<void>): Promise<void> {
		const running = this.#last.get(key)?.then(task) ?? task();
		const clear = () => {
			if (this.#last.get(key) === ended) this.#last.delete(key);
		};
		const ended = running.then(clear, clear);
		this.#last.set(key, ended);
		return running;
	}
}
