/**
 * The routes at fixed paths directly below the prefix, such as `/api/v1/login`. They share one route of fastify, because
 * 70 routes of their own took a seventh of a start (fastify finds, compiles and prepares each, and once more for HEAD).
 */
import type { FastifyRequest } from 'fastify';
import type { Route } from './request.js';

/** The name of the shared route's parameter: the rest of the path. */
const NAME = 'name';

export class FixedRoutes {
	/** By their path and their verb. */
	readonly #routes = new Map<string, Map<string, Route>>();

	/** The path of the shared route, below the prefix. */
	static readonly path = `:${NAME}`;

	/**
	 * Whether a route can be one of these: its path is not encoded in a URL and as long as fastify allows for a parameter,
	 * and it has no limit of its own for bodies.
	 */
	static accepts({ path, maxBody }: Route): boolean {
		return /^[\w.~-]{1,100}$/.test(path) && maxBody === undefined;
	}

	add(route: Route): void {
		const byVerb = this.#routes.get(route.path) ?? new Map<string, Route>();
		this.#routes.set(route.path, byVerb);
		for (const verb of route.verbs) {
			byVerb.set(verb, route);
			if (verb === 'GET') byVerb.set('HEAD', route);
		}
	}

	/** All verbs of these routes. */
	get verbs(): string[] {
		return [...new Set([...this.#routes.values()].flatMap((byVerb) => [...byVerb.keys()]))];
	}

	/** The route of a request to the shared route; undefined if there is none with its path and verb. */
	find({ params, method }: FastifyRequest): Route | undefined {
		return this.#routes.get((params as Record<string, string>)[NAME] as string)?.get(method);
	}
}

/** The path of the route of a request, with the names of its parameters. */
export function routePathOf({ routeOptions, params }: FastifyRequest): string | undefined {
	return routeOptions.url?.replace(FixedRoutes.path, (params as Record<string, string>)[NAME] ?? NAME);
}
