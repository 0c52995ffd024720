import { OptionError } from './optionError.js';
import { checked, type GivenValue, type Option } from './optionKinds.js';

/** Collects the errors of settings, so that one error names all. */
export class Faults {
	readonly #texts: string[] = [];
	readonly #invalidSettings = new Set<string>();

	get texts(): readonly string[] {
		return this.#texts;
	}

	add(text: string): void {
		this.#texts.push(text);
	}

	/**
	 * Checks a value of a setting.
	 * @param setting its name in `options.ts`
	 * @returns the value; for an invalid value, the usable part of it (`usable`), or undefined
	 */
	checkSetting<T>(setting: string, option: Option<T>, { name, value, original = value }: GivenValue): T | undefined {
		const result = this.try(() => ({ value: checked(option, value, name, original) }));
		if (result) return result.value;
		this.#invalidSettings.add(setting);
		return option.usable?.(original);
	}

	/** Whether the value of a setting was invalid. The checked settings contain a default or a usable part instead. */
	isInvalid(setting: string): boolean {
		return this.#invalidSettings.has(setting);
	}

	/** Runs a check. @returns undefined if the check throws an OptionError, whose faults are collected */
	try<T>(run: () => T): T | undefined {
		try {
			return run();
		} catch (error) {
			if (!(error instanceof OptionError)) throw error;
			this.#texts.push(...error.faults);
			return undefined;
		}
	}

	/** Like `try`, for a promise. */
	async wait<T>(check: Promise<T>): Promise<T | undefined> {
		try {
			return await check;
		} catch (error) {
			return this.try(() => {
				throw error;
			});
		}
	}

	/** @throws OptionError if there are faults */
	throwIfAny(): void {
		if (this.#texts.length > 0) throw OptionError.of(this.#texts);
	}
}
