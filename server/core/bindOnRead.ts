/**
 * Lets functions be taken out of a context, as in `run(args, { added })`. They are bound when they are read, not when the
 * context is made, because most calls use none of them.
 * @param prototype the prototype of the context's class
 * @param names the names of its functions
 */
export function bindOnRead<T extends object>(prototype: T, names: readonly (keyof T & string)[]): void {
	for (const name of names) {
		const unbound = prototype[name] as (this: unknown, ...args: unknown[]) => unknown;
		Object.defineProperty(prototype, name, {
			get() {
				return unbound.bind(this);
			},
		});
	}
}
