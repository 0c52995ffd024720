/** Builds the common parts of the channels in the AsyncAPI document. */
import type { RateRule } from '../../shared/limit.js';
import type { AnyMatcher } from '../../shared/matcher.js';
import type { Member } from '../../shared/shape.js';
import { openMessageSchema } from './ddpMessages.js';
import type { ExampleMaker } from './examples.js';
import { argumentMembers, type JsonSchema, type SchemaMaker } from './schema.js';

export type Json = Record<string, unknown>;
/** The arguments of a definition, with their patterns. */
export type Arguments = readonly (readonly [name: string, matcher: AnyMatcher])[];

/** A channel of the document, and the operations on it. */
export interface Part {
	readonly id: string;
	readonly channel: Json;
	readonly operations: Readonly<Record<string, Json>>;
}

/** What is needed to build the channels of one document. */
export interface ChannelContext {
	/** Makes the schemas, and collects those with a name. */
	readonly maker: SchemaMaker;
	readonly examples: ExampleMaker;
	readonly limits: readonly RateRule[];
}

/** The address of every channel: the path of the WebSocket. */
export const ADDRESS = '/websocket';

/** Makes an id for the document: characters except letters, digits, `.`, `-` and `_` become `_`. */
export const idOf = (name: string): string => name.replace(/[^\w.-]/g, '_');

export const channelRef = (channel: string): Json => ({ $ref: `#/channels/${channel}` });
export const messageRef = (channel: string, name: string): Json => ({ $ref: `#/channels/${channel}/messages/${name}` });

/** Makes a message object of AsyncAPI. */
export function messageObject(name: string, summary: string, payload: JsonSchema, example: unknown): Json {
	return { name, summary, payload, examples: [{ payload: example }] };
}

/** An operation on a channel. @param action what the server does: `receive` for messages that clients send */
export function operation(
	action: 'receive' | 'send',
	channel: string,
	summary: string,
	messages: readonly string[],
): Json {
	return { action, channel: channelRef(channel), summary, messages: messages.map((name) => messageRef(channel, name)) };
}

/** Number of parameters that a client must send, including optional ones before a required one. */
const requiredCount = (members: readonly Member[]) => members.findLastIndex(({ isOptional }) => !isOptional) + 1;

/**
 * The schema of DDP parameters. JSON has no undefined, so null stands for an omitted parameter that others follow.
 * Surplus parameters are allowed.
 */
export function paramsSchema(args: Arguments, { maker }: ChannelContext): JsonSchema {
	const members = argumentMembers(args);
	const required = requiredCount(members);
	return {
		type: 'array',
		...(members.length > 0 && {
			prefixItems: members.map(({ name, isOptional, shape }) => {
				const schema = maker.schemaOf(shape);
				// The title names the parameter. With `allOf`, the schema of the value keeps its own title.
				return { title: name, ...(isOptional ? { anyOf: [schema, { type: 'null' }] } : { allOf: [schema] }) };
			}),
		}),
		...(required > 0 && { minItems: required }),
	};
}

/** An example of each parameter that a client must send. */
export function exampleParams(args: Arguments, { maker, examples }: ChannelContext): unknown[] {
	const members = argumentMembers(args);
	return members
		.slice(0, requiredCount(members))
		.map(({ name, shape }) => examples.exampleOf(maker.schemaOf(shape), name));
}

/** Arguments as the page at `/api-docs` shows them. */
export function describedArguments(args: Arguments, { maker, examples }: ChannelContext): Json[] {
	return argumentMembers(args).map(({ name, isOptional, shape }) => {
		const schema = maker.schemaOf(shape);
		return { name, optional: isOptional, schema, example: examples.exampleOf(schema, name) };
	});
}

/** The message that subscribes to a publication or a stream. */
export function subMessage(name: string, summary: string, params: JsonSchema, example: readonly unknown[]): Json {
	const members = { id: { type: 'string', minLength: 1 }, name: { const: name }, 'params?': params };
	return messageObject('sub', summary, openMessageSchema('sub', members), {
		msg: 'sub',
		id: '1',
		name,
		params: example,
	});
}
