/** The channel of a stream in the AsyncAPI document: the message that subscribes to it, and its events. */

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
import { message } from './ddpMessages.js';
import { limitsOf } from './limits.js';
import type { JsonSchema } from './schema.js';

const VARIABLE = /<(\w+)>/g;

/** Slashes are escaped too, for readers that write the pattern between slashes. */
const escaped = (text: string) => escapeRegExp(text).replaceAll('/', '\\/');

/** The schema of an event name. A part in angle brackets stands for any text without a slash. */
function eventNameSchema(name: string): JsonSchema {
	const parts = name.split(/<\w+>/);
	return parts.length === 1 ? { const: name } : { type: 'string', pattern: `^${parts.map(escaped).join('[^/]+')}$` };
}

const exampleName = (name: string) => name.replace(VARIABLE, 'rT4Kq8ZyWm2NcXb7v');

function fieldsSchema(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
	return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

/** The message of an event. All events have the same `id`, because an event is not a document. */
function streamMessage(
	msg: 'added' | 'changed',
	stream: string,
	summary: string,
	fields: JsonSchema,
	example: Json,
): Json {
	const base = { collection: `stream-${stream}`, id: 'id' };
	const members = { collection: { const: base.collection }, id: { const: base.id }, fields };
	return messageObject(msg, summary, message(msg, members), { msg, ...base, fields: example });
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

const OPTIONS: JsonSchema = {
	anyOf: [
		{ type: ['boolean', 'null'] },
		{ type: 'object', properties: { useCollection: { type: ['boolean', 'null'] } } },
	],
};

/** The parameters of every stream: the name of the events, and whether the client keeps them in a collection. */
const PARAMS: JsonSchema = {
	type: 'array',
	prefixItems: [{ type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH }, OPTIONS],
	minItems: 1,
};

/** Describes a stream. */
export function streamPart({ name, summary, events }: Stream, context: ChannelContext): Part {
	const id = `stream.${idOf(name)}`;
	const full = `stream-${name}`;
	const known = events ?? [];
	const first = fieldsSchema({ eventName: { type: 'string' } });
	const firstName = exampleName(known[0]?.name ?? '<id>');
	const sends: Record<string, Json> = {
		added: streamMessage('added', name, 'Comes first to a subscriber with useCollection', first, {
			eventName: firstName,
		}),
		...Object.fromEntries(
			known.map((event) => [`event.${idOf(event.name.replace(VARIABLE, '$1'))}`, eventMessage(name, event, context)]),
		),
	};
	// Without a list, an event may be anything.
	if (!events) {
		const fields = fieldsSchema({ eventName: { type: 'string' }, args: { type: 'array' } });
		sends.event = streamMessage('changed', name, 'An event', fields, { eventName: firstName, args: [] });
	}
	return {
		id,
		channel: {
			address: ADDRESS,
			title: full,
			summary,
			messages: { sub: subMessage(full, summary, PARAMS, [firstName]), ...sends },
			'x-kind': 'stream',
			'x-name': full,
			'x-limits': limitsOf('subscription', full, undefined, context.limits),
		},
		operations: {
			[`subscribe.${idOf(full)}`]: operation('receive', id, summary, ['sub']),
			[`publish.${idOf(full)}`]: operation('send', id, summary, Object.keys(sends)),
		},
	};
}
