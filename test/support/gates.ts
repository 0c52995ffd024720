/** Promises that tests settle by hand, and things they wait for, by name. */
export class Gates {
	readonly #opened = new Map<string, () => void>();

	/** Resolves when the gate is opened; a caller that waited for one of that name before goes on waiting. */
	wait(name: string): Promise<void> {
		return new Promise((resolve) => this.#opened.set(name, resolve));
	}

	/** Whether somebody has waited for it. */
	has(name: string): boolean {
		return this.#opened.has(name);
	}

	/** Does nothing where nobody has waited. */
	open(name: string): void {
		this.#opened.get(name)?.();
	}
}
