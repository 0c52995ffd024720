/** The verbs of each path. A request for a known path with another verb is answered with 405 instead of 404. */
import { DefinitionError } from '../../shared/definition.js';
import { escapeRegExp } from '../../shared/escapeRegExp.js';

interface KnownPath {
	readonly pattern: RegExp;
	/** The method of each verb; undefined for a path without a method, such as `/readyz`. */
	readonly methods: Map<string, string | undefined>;
}

export class KnownPaths {
	readonly #fixed = new Map<string, KnownPath>();
	/** Paths with parameters, by their text without the parameters' names. */
	readonly #patterns = new Map<string, KnownPath>();

	/**
	 * @param path may contain parameters, such as `:id`
	 * @throws DefinitionError if the path already has one of the verbs
	 */
	add(path: string, verbs: readonly string[], method?: string): void {
		// The texts between the parameters, such as `/rooms/` and `/keys` for `/rooms/:id/keys/`.
		const parts = path.replace(/(?<=.)\/$/, '').split(/:\w+/);
		const known = parts.length === 1 ? this.#fixed : this.#patterns;
		const key = parts.join(':');
		const pattern = new RegExp(`^${parts.map(escapeRegExp).join('[^/]+')}$`);
		const { methods } = known.get(key) ?? { methods: new Map<string, string | undefined>() };
		known.set(key, { pattern, methods });
		for (const verb of verbs) {
			if (methods.has(verb)) throw takenPath(`${verb} ${path}`, method, methods.get(verb));
			methods.set(verb, method);
		}
	}

	/** Whether a route has the path of a URL. Cheaper than `verbsAt`, because it is asked for each request. */
	has(url: string): boolean {
		const path = pathOf(url);
		return this.#fixed.has(path) || [...this.#patterns.values()].some(({ pattern }) => pattern.test(path));
	}

	/** The verbs of the path of a URL; undefined if no route has this path. HEAD is allowed where GET is. */
	verbsAt(url: string): readonly string[] | undefined {
		const path = pathOf(url);
		const fixed = this.#fixed.get(path);
		const known = [...this.#patterns.values()].filter(({ pattern }) => pattern.test(path));
		if (fixed) known.unshift(fixed);
		const verbs = new Set(known.flatMap(({ methods }) => [...methods.keys()]));
		if (verbs.has('GET')) verbs.add('HEAD');
		return verbs.size > 0 ? [...verbs] : undefined;
	}
}

/** @param other the method that already has the path. A path without a method is Roomkey's own */
function takenPath(path: string, method: string | undefined, other: string | undefined): DefinitionError {
	const owner = method !== undefined && other !== undefined ? `already that of method '${other}'` : "Roomkey's own";
	return new DefinitionError(`the REST route of method '${method ?? other}': the path ${path} is ${owner}`);
}

/** The decoded path of a URL, without a slash at its end. `%2F` stays: in fastify, it does not separate segments. */
function pathOf(url: string): string {
	const withoutQuery = url.replace(/[?#].*$/s, '');
	const path = withoutQuery.replace(/(?<=.)\/$/, '');
	try {
		return decodeURI(path);
	} catch {
		return path;
	}
}
