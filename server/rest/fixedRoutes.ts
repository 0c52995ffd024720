/**
 * The routes at fixed paths directly below `/api/v1`, such as `/api/v1/login`. They share one route of fastify. To prepare
 * 70 separate routes, and a second one for HEAD with each GET, took fastify a seventh of the time of a start.
 */
import type { FastifyRequest } from 'fastify';
import type { Route } from './request.js';

/** The name of the shared route's parameter, which contains the rest of the path. No other parameter's name has a `$`. */
const NAME = '$path';

export class FixedRoutes {
	/** By path and verb. */
	readonly #routes = new Map<string, Map<string, Route>>();

	/** The path of the shared route, below `/api/v1`. */
	static readonly path = `:${NAME}`;

	/**
	 * Whether a route can be a fixed route. It must have no limit of its own for bodies. Its path must be one segment that
	 * needs no percent-encoding, and at most 100 characters long, as fastify requires of a parameter.
	 */
	static accepts({ path, maxBody }: Route): boolean {
		const fitsParameter = /^[\w.~-]{1,100}$/.test(path);
		return fitsParameter && maxBody === undefined;
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

/**
 * The path of the route of a request. It contains the names of parameters, such as `/api/v1/method.call/:method`. For the
 * shared route it is the path of the request.
 */
export function routePathOf({ routeOptions, params }: FastifyRequest): string | undefined {
	return routeOptions.url?.replace(FixedRoutes.path, () => (params as Record<string, string>)[NAME] as string);
}
