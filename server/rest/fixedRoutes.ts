/**
 * The routes at fixed paths directly below `/api/v1`, such as `/api/v1/login`. They share one route of fastify: 70 separate
 * routes took a seventh of the time of a start.
 */
import type { FastifyRequest } from 'fastify';
import type { Route } from './request.js';

/** The name of the shared route's parameter. */
const NAME = '$path';

export class FixedRoutes {
	/** By path and verb. */
	readonly #routes = new Map<string, Map<string, Route>>();

	static readonly path = `:${NAME}`;

	/**
	 * Whether a route can be a fixed route: its path is one segment that needs no percent-encoding, and the route has no
	 * limit of its own for bodies. Fastify allows at most 100 characters for a parameter.
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

	get verbs(): string[] {
		return [...new Set([...this.#routes.values()].flatMap((byVerb) => [...byVerb.keys()]))];
	}

	/** Finds a route by the path and verb of a request to the shared route. */
	find({ params, method }: FastifyRequest): Route | undefined {
		return this.#routes.get((params as Record<string, string>)[NAME] as string)?.get(method);
	}
}

/**
 * The path of the route of a request, such as `/api/v1/method.call/:method`. For the shared route it is the path of the
 * request.
 */
export function routePathOf({ routeOptions, params }: FastifyRequest): string | undefined {
	return routeOptions.url?.replace(FixedRoutes.path, () => (params as Record<string, string>)[NAME] as string);
}
