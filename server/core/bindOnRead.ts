/**
 * Binds functions of a context when they are read, so that `run(args, { added })` works. Most calls read none of them.
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
