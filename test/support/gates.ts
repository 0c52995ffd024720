/** Named gates: code waits at a gate until a test opens it. */
export class Gates {
	readonly #openers = new Map<string, () => void>();

	/** Resolves when the gate is opened. Only the last caller for a name is released. */
	wait(name: string): Promise<void> {
		return new Promise((resolve) => this.#openers.set(name, resolve));
	}

	/** Whether `wait` was called for the gate. */
	has(name: string): boolean {
		return this.#openers.has(name);
	}

	/** Opens a gate. Does nothing if `wait` was not called for it. */
	open(name: string): void {
		this.#openers.get(name)?.();
	}
}
