/** Limits the log lines that clients can cause in any number. */
import { addressKey } from '../core/limits/address.js';

/** The length of a window, in ms. */
const WINDOW_MS = 60_000;

/** Maximum number of lines in a window, for one address and for all. */
export const MAX_LINES = { perAddress: 10, total: 200 } as const;

/** Counts the lines of one kind. */
export class LineLimit {
	readonly #byAddress = new Map<string, number>();
	#total = 0;
	#leftOut = 0;
	/** The first line after the end of a window begins the next one. */
	#isWindowOpen = false;

	/** @param onLeftOut called at the end of a window in which lines were left out, with their number */
	constructor(private readonly onLeftOut: (count: number) => void) {}

	/** Counts a line for this address. @returns whether the line may be written */
	allows(address: string | null): boolean {
		if (!this.#isWindowOpen) setTimeout(() => this.#endWindow(), WINDOW_MS).unref();
		this.#isWindowOpen = true;
		const key = addressKey(address);
		const count = this.#byAddress.get(key) ?? 0;
		if (count >= MAX_LINES.perAddress || this.#total >= MAX_LINES.total) {
			this.#leftOut++;
			return false;
		}
		this.#total++;
		this.#byAddress.set(key, count + 1);
		return true;
	}

	#endWindow(): void {
		const leftOut = this.#leftOut;
		this.#isWindowOpen = false;
		this.#byAddress.clear();
		this.#total = 0;
		this.#leftOut = 0;
		if (leftOut > 0) this.onLeftOut(leftOut);
	}
}
