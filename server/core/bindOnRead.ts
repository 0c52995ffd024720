/**
 * Binds the functions of a context, so that a method can take them out of the context, as in `run(args, { added })`. A
 * function is bound when it is read, because most calls read none.
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
