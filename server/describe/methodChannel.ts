/** The channel of a method in the AsyncAPI document. */
import type { RateRule } from '../../shared/limit.js';
import { commonErrors, DEFAULT_TIMEOUT, type ErrorCode, type Method } from '../../shared/method.js';
import { urlOf } from '../rest/server.js';
import {
	ADDRESS,
	type ChannelContext,
	channelRef,
	describedArguments,
	exampleParams,
	idOf,
	type Json,
	messageObject,
	messageRef,
	operation,
	type Part,
	paramsSchema,
} from './channels.js';
import { chapterOf } from './chapters.js';
import { errorSchema, messageSchema, openMessageSchema } from './ddpMessages.js';
import { methodErrors } from './errorResponses.js';
import { limitsOf, limitsText } from './limits.js';
import { acceptsUndefined, isUndefined } from './schema.js';

const ID = { type: 'string' };

function callMessage({ name, args }: Method, context: ChannelContext): Json {
	const paramsKey = args.length === 0 ? 'params?' : 'params';
	const members = { id: ID, method: { const: name }, [paramsKey]: paramsSchema(args, context), 'randomSeed?': {} };
	const example = { msg: 'method', id: '1', method: name, params: exampleParams(args, context) };
	return messageObject('method', `Calls ${name}`, openMessageSchema('method', members), example);
}

const limitsOfMethod = ({ name, limit }: Method, rules: readonly RateRule[]) => limitsOf('method', name, limit, rules);

/** The codes of errors that a call may answer; undefined if they are unknown. */
function codesOf(method: Method, isLimited: boolean): ErrorCode[] | undefined {
	// Any call may answer 404 for an unknown method, and 503 if the store is unavailable.
	return method.errors && [...new Set([...method.errors, ...commonErrors(method, isLimited), 404, 503])];
}

function resultMessage(method: Method, { maker, examples, limits }: ChannelContext): Json {
	const shape = method.returns?.shape ?? { kind: 'any' };
	const value = maker.schemaOf(shape);
	const hasValue = !isUndefined(shape);
	const resultKey = acceptsUndefined(shape) || shape.kind === 'any' ? 'result?' : 'result';
	const success = messageSchema('result', { id: ID, ...(hasValue && { [resultKey]: value }) });
	const codes = codesOf(method, limitsOfMethod(method, limits).length > 0);
	const failure = messageSchema('result', { id: ID, error: errorSchema(codes) });
	const example = { msg: 'result', id: '1', ...(hasValue && { result: examples.exampleOf(value) }) };
	return messageObject('result', 'The value, or the error', { anyOf: [success, failure] }, example);
}

function descriptionOf(method: Method, limits: string | undefined): string {
	const { summary, anonymous, once, secondFactor, audit, timeout } = method;
	return [
		`${summary}.`,
		'',
		`- ${anonymous ? 'Anyone may call it' : 'For users who are logged in'}`,
		...(limits ? [`- Limit: ${limits}`] : []),
		...(once ? ['- A call that a client repeats after a reconnection gets the first answer'] : []),
		...(secondFactor ? ['- May ask for a second factor: one more parameter, `{twoFactorCode, twoFactorMethod}`'] : []),
		...(audit ? ['- Every call is an audit event in the log of the server'] : []),
		...(timeout === DEFAULT_TIMEOUT ? [] : [`- Time limit: ${timeout / 1000} seconds`]),
	].join('\n');
}

/** What the page at `/api-docs` shows for a method. */
function extensionsOf(method: Method, context: ChannelContext): Json {
	const { name, args, anonymous, once, secondFactor, audit, timeout, returns, rest } = method;
	const limits = limitsOfMethod(method, context.limits);
	return {
		'x-kind': 'method',
		'x-name': name,
		'x-chapter': chapterOf(name),
		'x-arguments': describedArguments(args, context),
		...(returns && !isUndefined(returns.shape) && { 'x-answer': context.maker.schemaOf(returns.shape) }),
		...(returns && acceptsUndefined(returns.shape) && { 'x-answer-optional': true }),
		'x-anonymous': anonymous,
		'x-errors': methodErrors(method, limits.length > 0),
		'x-limits': limits,
		'x-timeout-ms': timeout,
		...(once && { 'x-idempotent': true }),
		...(secondFactor && { 'x-second-factor': true }),
		...(audit && { 'x-audit': true }),
		...(rest && { 'x-rest': { verb: rest.verb, path: urlOf(rest.path), ...(rest.body && { body: rest.body }) } }),
	};
}

/** Describes a method. */
export function methodPart(method: Method, context: ChannelContext): Part {
	const { name, summary } = method;
	const id = `method.${idOf(name)}`;
	const limits = limitsText(limitsOfMethod(method, context.limits));
	return {
		id,
		channel: {
			address: ADDRESS,
			title: name,
			summary,
			description: descriptionOf(method, limits),
			messages: { call: callMessage(method, context), result: resultMessage(method, context) },
			...extensionsOf(method, context),
		},
		operations: {
			[`call.${idOf(name)}`]: {
				...operation('receive', id, summary, ['call']),
				reply: { channel: channelRef(id), messages: [messageRef(id, 'result')] },
			},
		},
	};
}
