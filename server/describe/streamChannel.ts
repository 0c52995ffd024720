/** Describes the channel of a stream in the AsyncAPI document. */

import { escapeRegExp } from '../../shared/escapeRegExp.js';
import { compileKeys } from '../../shared/pattern.js';
import type { Stream, StreamEvent } from '../../shared/stream.js';
import { MAX_NAME_LENGTH } from '../ddp/publications/streams.js';
import {
	ADDRESS,
	type ChannelContext,
	describedArguments,
	exampleParams,
	idOf,
	type Json,
	messageObject,
	operation,
	type Part,
	paramsSchema,
	subMessage,
} from './channels.js';
import { messageSchema } from './ddpMessages.js';
import { limitsOf } from './limits.js';
import type { JsonSchema } from './schema.js';

/** A variable part of an event name, such as `<rid>`. */
const VARIABLE = /<(\w+)>/g;

/** Escapes a text for a pattern. Also escapes slashes, because some programs write patterns between slashes. */
const escapePatternText = (text: string) => escapeRegExp(text).replaceAll('/', '\\/');

/** A part in angle brackets stands for any text without a slash. */
function eventNameSchema(name: string): JsonSchema {
	const parts = name.split(/<\w+>/);
	return parts.length === 1
		? { const: name }
		: { type: 'string', pattern: `^${parts.map(escapePatternText).join('[^/]+')}$` };
}

const exampleName = (name: string) => name.replace(VARIABLE, 'rT4Kq8ZyWm2NcXb7v');

function fieldsSchema(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
	return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

/** A message to a subscriber. Its `id` is always the text `id`. */
function streamMessage(
	msg: 'added' | 'changed',
	stream: string,
	summary: string,
	fields: JsonSchema,
	example: Json,
): Json {
	const base = { collection: `stream-${stream}`, id: 'id' };
	const members = { collection: { const: base.collection }, id: { const: base.id }, fields };
	return messageObject(msg, summary, messageSchema(msg, members), { msg, ...base, fields: example });
}

function eventMessage(stream: string, { name, summary, args }: StreamEvent, context: ChannelContext): Json {
	const matchers = [...compileKeys(args)];
	const fields = fieldsSchema({ eventName: eventNameSchema(name), args: paramsSchema(matchers, context) });
	const example = { eventName: exampleName(name), args: exampleParams(matchers, context) };
	return {
		...streamMessage('changed', stream, summary, fields, example),
		'x-event': name,
		'x-arguments': describedArguments(matchers, context),
	};
}

/** `useCollection`, alone or in an object: whether the client keeps the events in a collection. */
const OPTIONS: JsonSchema = {
	anyOf: [
		{ type: ['boolean', 'null'] },
		{ type: 'object', properties: { useCollection: { type: ['boolean', 'null'] } } },
	],
};

const PARAMS: JsonSchema = {
	type: 'array',
	prefixItems: [{ type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH }, OPTIONS],
	minItems: 1,
};

/** Describes a stream. */
export function streamPart({ name, summary, events }: Stream, context: ChannelContext): Part {
	const id = `stream.${idOf(name)}`;
	const fullName = `stream-${name}`;
	const knownEvents = events ?? [];
	const addedFields = fieldsSchema({ eventName: { type: 'string' } });
	const eventName = exampleName(knownEvents[0]?.name ?? '<id>');
	const serverMessages: Record<string, Json> = {
		added: streamMessage('added', name, 'The first message to a subscriber with useCollection', addedFields, {
			eventName,
		}),
	};
	for (const event of knownEvents) {
		const messageId = `event.${idOf(event.name.replace(VARIABLE, '$1'))}`;
		serverMessages[messageId] = eventMessage(name, event, context);
	}
	// A stream without a list of events may send any event.
	if (!events) {
		const fields = fieldsSchema({ eventName: { type: 'string' }, args: { type: 'array' } });
		serverMessages.event = streamMessage('changed', name, 'An event', fields, { eventName, args: [] });
	}
	return {
		id,
		channel: {
			address: ADDRESS,
			title: fullName,
			summary,
			messages: { sub: subMessage(fullName, summary, PARAMS, [eventName]), ...serverMessages },
			'x-kind': 'stream',
			'x-name': fullName,
			'x-limits': limitsOf('subscription', fullName, undefined, context.limits),
		},
		operations: {
			[`subscribe.${idOf(fullName)}`]: operation('receive', id, summary, ['sub']),
			[`publish.${idOf(fullName)}`]: operation('send', id, summary, Object.keys(serverMessages)),
		},
	};
}
