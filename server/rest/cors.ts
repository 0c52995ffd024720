/** Which web pages may call REST from a browser (`test/contract/rocketchat-e2e.md` 7.3). */
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Headers a page may send: Rocket.Chat's, and ours. */
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

/** Headers a page may read. */
const EXPOSED_HEADERS = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After'];

/**
 * Lets pages of other origins in.
 * @param prefix of the paths they may call; other paths have rules of their own
 * @param origins `*`, or origins with commas between them
 */
export function allowOrigins(app: FastifyInstance, prefix: string, origins: string): void {
	const origin = origins === '*' ? '*' : origins.split(',').map((one) => one.trim());
	const options = {
		origin,
		methods: ['GET', 'POST'],
		allowedHeaders: ALLOWED_HEADERS,
		exposedHeaders: EXPOSED_HEADERS,
	};
	app.register(cors, {
		delegator(request: FastifyRequest, done: (error: Error | null, options: FastifyCorsOptions) => void) {
			done(null, request.url.startsWith(prefix) ? options : { origin: false });
		},
	});
}
