/** The verbs of each path. A request for a known path with another verb is answered with 405 instead of 404. */
import { escapeRegExp } from '../../shared/escapeRegExp.js';

export class KnownPaths {
	readonly #fixed = new Map<string, readonly string[]>();
	/** The paths with parameters. */
	readonly #patterns = new Map<string, { readonly pattern: RegExp; readonly verbs: readonly string[] }>();

	/** @param path may contain parameters, such as `:id` */
	add(path: string, verbs: readonly string[]): void {
		if (!path.includes(':')) {
			this.#fixed.set(path, [...(this.#fixed.get(path) ?? []), ...verbs]);
			return;
		}
		const parts = path.split(/:\w+/).map(escapeRegExp);
		const pattern = new RegExp(`^${parts.join('[^/]+')}$`);
		this.#patterns.set(path, { pattern, verbs: [...(this.#patterns.get(path)?.verbs ?? []), ...verbs] });
	}

	/** The verbs of the path of a URL; undefined if no route has this path. HEAD is allowed where GET is. */
	verbsAt(url: string): readonly string[] | undefined {
		const path = pathOf(url);
		const verbs = this.#fixed.get(path) ?? this.#verbsOfPattern(path);
		return verbs?.includes('GET') ? [...verbs, 'HEAD'] : verbs;
	}

	#verbsOfPattern(path: string): readonly string[] | undefined {
		for (const { pattern, verbs } of this.#patterns.values()) {
			if (pattern.test(path)) return verbs;
		}
		return undefined;
	}
}

/** The decoded path of a URL, without a slash at its end. The path `/` stays. */
function pathOf(url: string): string {
	const withoutQuery = url.replace(/[?#].*$/s, '');
	const path = withoutQuery.replace(/(?<=.)\/$/, '');
	try {
		return decodeURIComponent(path);
	} catch {
		return path;
	}
}
