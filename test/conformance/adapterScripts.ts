/** Scripts, which are lists of operations for publish functions (README.md of this folder). */
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import type { PublicationContext } from '../../shared/publication.js';

/** One operation of a script: its name, then its arguments. */
const Operation = [Match.Any];
export const Script = [Operation];

/** The subscription of each tag. */
export const subscriptions = new Map<string, PublicationContext>();
/** How often a subscription of each tag has ended. */
export const stops = new Map<string, number>();

/** The released keys. Here a key is a text that methods and scripts can wait for. */
export const released = new Set<string>();
/** The function that ends the wait for each key. */
const waiting = new Map<string, () => void>();

/** Resolves when a key has been released. */
export function wait(key: string): Promise<void> {
	return new Promise((resolve) => {
		if (released.has(key)) resolve();
		else waiting.set(key, resolve);
	});
}

/** Releases a key, for good. */
export function release(key: string): void {
	released.add(key);
	waiting.get(key)?.();
	waiting.delete(key);
}

/** Waits for a key, then releases another. */
export async function relay({ key, next }: { key: string; next?: string | null | undefined }): Promise<void> {
	await wait(key);
	if (next) release(next);
}

/** The fields of an operation, with `undefined` for the names in `cleared`. */
function fieldsOf(fields: unknown, cleared: unknown = []): Record<string, unknown> {
	const all = { ...(fields as object) } as Record<string, unknown>;
	for (const name of cleared as string[]) all[name] = undefined;
	return all;
}

/** The client-safe error of a code, a reason and details. */
export const errorOf = ([code, reason, details]: readonly unknown[]) =>
	new ClientError(code as string, reason as string | undefined, details);

const OPERATIONS: Readonly<Record<string, (context: PublicationContext, args: readonly unknown[]) => unknown>> = {
	added: (context, [collection, id, fields, cleared]) =>
		context.added(String(collection), id, fieldsOf(fields, cleared)),
	changed: (context, [collection, id, fields, cleared]) =>
		context.changed(String(collection), id, fieldsOf(fields, cleared)),
	removed: (context, [collection, id]) => context.removed(String(collection), id),
	ready: (context) => context.ready(),
	stop: (context) => context.stop(),
	error: (context, args) => context.error(args.length > 0 ? errorOf(args) : undefined),
	fail: (_context, args) => {
		throw errorOf(args);
	},
	throw: () => {
		throw new Error('a script throws');
	},
	unblock: (context) => context.unblock(),
	wait: (_context, [key]) => wait(String(key)),
};

/** Runs the operations of a script. */
export async function perform(context: PublicationContext, script: readonly (readonly unknown[])[]): Promise<void> {
	for (const [name, ...args] of script) {
		const done = OPERATIONS[String(name)]?.(context, args);
		// A script without `wait` must run synchronously.
		if (done) await done;
	}
}

/** Keeps a subscription under its tag, and runs its script. */
export function script(context: PublicationContext, tag: string, steps: readonly (readonly unknown[])[]): unknown {
	subscriptions.set(tag, context);
	context.onStop(() => {
		stops.set(tag, (stops.get(tag) ?? 0) + 1);
	});
	return perform(context, steps);
}
