/** Which web pages may call REST from a browser (`test/contract/rocketchat-e2e.md` 7.3). */
import type { FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readOrigins } from '../http/origins.js';

/** Headers that a page may send to Rocket.Chat or to Roomkey. */
const ALLOWED_HEADERS = [
	'Origin',
	'X-Requested-With',
	'Content-Type',
	'Accept',
	'X-User-Id',
	'X-Auth-Token',
	'x-visitor-token',
	'Authorization',
	'x-2fa-code',
	'x-2fa-method',
	'Idempotency-Key',
];

const EXPOSED_HEADERS = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After'];

/**
 * Allows pages of other origins.
 * @param isRestUrl whether a URL belongs to REST. Other URLs, such as those of SockJS, have their own rules
 * @param origins `*`, or origins separated by commas
 */
export function allowOrigins(
	app: FastifyInstance,
	isRestUrl: (url: string) => boolean,
	verbs: readonly string[],
	origins: string,
): void {
	const origin = readOrigins(origins);
	const options = {
		origin,
		methods: [...verbs],
		allowedHeaders: ALLOWED_HEADERS,
		exposedHeaders: EXPOSED_HEADERS,
	};
	app.register(import('@fastify/cors'), {
		delegator(request: FastifyRequest, done: (error: Error | null, options: FastifyCorsOptions) => void) {
			done(null, isRestUrl(request.url) ? options : { origin: false });
		},
	});
}
