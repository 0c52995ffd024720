/** Who calls over REST, and for how long they wait for the outcome. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { SecondFactor } from '../../shared/method.js';
import type { Caller, IdempotencyKey } from '../core/caller.js';
import type { RateLimitResult } from '../core/limits/counter.js';
import type { Identity } from './credentials.js';

/** The calls of a server that want to know when nobody waits for them any more. */
export class InFlightCalls {
	readonly #controllers = new Set<AbortController>();
	#givenUp = false;

	/** A signal that fires when the client hangs up before it is answered, or the server gives up. */
	signalOf(response: ServerResponse): AbortSignal {
		const controller = new AbortController();
		if (this.#givenUp || response.closed) {
			controller.abort();
			return controller.signal;
		}
		this.#controllers.add(controller);
		response.once('close', () => {
			this.#controllers.delete(controller);
			if (!response.writableFinished) controller.abort();
		});
		return controller.signal;
	}

	/** The server will not wait for them. */
	giveUp(): void {
		this.#givenUp = true;
		for (const controller of this.#controllers) controller.abort();
	}
}

/** Tells how the call stands with its limit (`test/contract/rocketchat-e2e.md` 7.4). The reset is in epoch ms. */
function rateLimitHeaders({ limit, remaining, timeToReset }: RateLimitResult): Record<string, number> {
	return {
		'X-RateLimit-Limit': limit,
		'X-RateLimit-Remaining': remaining,
		'X-RateLimit-Reset': Date.now() + timeToReset,
	};
}

/** A class, since there is one for every request. */
export class RestCaller implements Caller {
	readonly userId: string | null;
	readonly hashedToken: string | null;
	readonly connection = null;
	#signal: AbortSignal | undefined;

	constructor(
		{ userId, hashedToken }: Pick<Identity, 'userId' | 'hashedToken'>,
		readonly clientAddress: string | null,
		readonly idempotencyKey: IdempotencyKey | undefined,
		readonly secondFactor: SecondFactor | undefined,
		private readonly reply: FastifyReply,
		private readonly calls: InFlightCalls,
	) {
		this.userId = userId;
		this.hashedToken = hashedToken;
	}

	/** The same caller with another second factor, as the message of a method can hold one. */
	withSecondFactor(secondFactor: SecondFactor): RestCaller {
		return new RestCaller(this, this.clientAddress, this.idempotencyKey, secondFactor, this.reply, this.calls);
	}

	/** Made when it is asked for: most requests never are interrupted, and most methods are done before. */
	get signal(): AbortSignal {
		this.#signal ??= this.calls.signalOf(this.reply.raw);
		return this.#signal;
	}

	/** A change of user has no meaning here: the next request brings its own credentials. */
	setUserId(): void {}

	onRateLimit(tally: RateLimitResult): void {
		this.reply.headers(rateLimitHeaders(tally));
	}
}
