/**
 * The routes `method.call` and `method.callAnon`: they run the DDP method message in an HTTP body
 * (`test/contract/rocketchat-e2e.md` section 8).
 */
import { check } from '../../shared/check.js';
import { parse } from '../../shared/ejson.js';
import { type ClientError, clientError, toClientError } from '../../shared/errors.js';
import type { Log } from '../../shared/log.js';
import { Match } from '../../shared/match.js';
import { isLarge } from '../../shared/slices.js';
import type { Invoker } from '../core/invoke.js';
import { takeSecondFactor } from '../ddp/call.js';
import * as codec from '../ddp/codec.js';
import { type Answer, retryHeaders } from './envelope.js';
import type { RestCaller } from './request.js';

const Body = { message: String };

/** Rocket.Chat's mobile clients leave out `msg` and `id`. */
const MethodMessage = Match.ObjectIncluding({
	msg: Match.Optional('method'),
	id: Match.Optional(Match.OneOf(String, Number)),
	method: String,
	params: Match.Optional([Match.Any]),
});

function parseMessage(text: string): unknown {
	try {
		return parse(text);
	} catch {
		throw clientError('unreadableMessage');
	}
}

/**
 * Runs the method call that a body contains.
 * @param pathName the method name in the path, with `:` for slashes. The message must name the same method: a proxy that
 *   filters requests sees only the path
 * @throws MatchError, ClientError for a body without a valid call. Errors of the call itself are in the answer
 */
export async function callMethod(
	invoker: Invoker,
	pathName: string,
	body: unknown,
	caller: RestCaller,
	log: Log,
): Promise<Answer> {
	check(body, Body);
	const message = parseMessage(body.message);
	check(message, MethodMessage);
	const { id = '', method } = message;
	if (method.replaceAll('/', ':') !== pathName) throw clientError('otherMethodInPath');
	const { params, secondFactor } = takeSecondFactor(invoker.get(method), message.params ?? []);
	let value: unknown;
	try {
		value = await invoker.invoke(method, params, secondFactor ? caller.withSecondFactor(secondFactor) : caller);
	} catch (thrown) {
		return failedCall(id, toClientError(thrown));
	}
	try {
		const parts = isLarge(value) ? await codec.largeResult(id, value, (text) => text) : [codec.result(id, value)];
		return { status: 200, body: { message: parts.join(''), success: true } };
	} catch (err) {
		log.error({ err, method, requestId: caller.requestId }, `The result of method '${method}' cannot be encoded`);
		return failedCall(id, clientError('internal'));
	}
}

/**
 * The answer for a call that has failed. Rocket.Chat answers 400 for every error. Roomkey answers 503 for an unavailable
 * database, so that a proxy can detect it.
 */
function failedCall(id: string | number, error: ClientError): Answer {
	const status = error.error === 503 ? 503 : 400;
	return { status, body: { message: codec.failure(id, error), success: false }, ...retryHeaders(error) };
}
