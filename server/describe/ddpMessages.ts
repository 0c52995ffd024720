/** JSON Schemas of the DDP messages that belong to no particular method, publication or stream. */
import type { JsonSchema } from './schema.js';

const TEXT: JsonSchema = { type: 'string' };
const TEXTS: JsonSchema = { type: 'array', items: TEXT };

/** The members of a message. Each is required unless its name ends with `?`. */
type MessageMembers = Readonly<Record<string, JsonSchema>>;

/** The schema of a message that has only these members and `msg`. */
export function messageSchema(msg: string, members: MessageMembers): JsonSchema {
	return { ...openMessageSchema(msg, members), additionalProperties: false };
}

/** The schema of a message that may have other members. */
export function openMessageSchema(msg: string, members: MessageMembers): JsonSchema {
	const entries = Object.entries(members);
	const required = entries.filter(([name]) => !name.endsWith('?')).map(([name]) => name);
	return {
		type: 'object',
		properties: {
			msg: { const: msg },
			...Object.fromEntries(entries.map(([name, schema]) => [name.replace('?', ''), schema])),
		},
		required: ['msg', ...required],
	};
}

/** The schema of the error in `result` and `nosub`. @param codes the possible codes; absent: any code */
export function errorSchema(codes?: readonly (string | number)[]): JsonSchema {
	return {
		type: 'object',
		properties: {
			isClientSafe: { const: true },
			error: codes ? { enum: codes } : { type: ['string', 'number'] },
			reason: TEXT,
			details: {},
			message: TEXT,
			errorType: { const: 'Meteor.Error' },
		},
		required: ['isClientSafe', 'error', 'errorType'],
		additionalProperties: false,
	};
}

interface ProtocolMessage {
	readonly from: 'client' | 'server' | 'both';
	readonly summary: string;
	readonly payload: JsonSchema;
	readonly example: Readonly<Record<string, unknown>>;
}

const SESSION = 'Q2wE4rT6yU8iO0pAs';

/** The messages that belong to no particular method, publication or stream, by the value of `msg`. */
export const PROTOCOL: Readonly<Record<string, ProtocolMessage>> = {
	connect: {
		from: 'client',
		summary: 'The first message: which versions of DDP the client speaks, and the session it had before',
		payload: openMessageSchema('connect', { version: TEXT, support: TEXTS, 'session?': {} }),
		example: { msg: 'connect', version: '1', support: ['1', 'pre2', 'pre1'] },
	},
	connected: {
		from: 'server',
		summary: 'The session has begun',
		payload: messageSchema('connected', { session: TEXT }),
		example: { msg: 'connected', session: SESSION },
	},
	failed: {
		from: 'server',
		summary: 'The server does not speak the version of DDP that the client asked for, but the one in `version`',
		payload: messageSchema('failed', { version: TEXT }),
		example: { msg: 'failed', version: '1' },
	},
	ping: {
		from: 'both',
		summary: 'Asks for a pong',
		payload: openMessageSchema('ping', { 'id?': {} }),
		example: { msg: 'ping' },
	},
	pong: {
		from: 'both',
		summary: 'Answers a ping, with its id',
		payload: openMessageSchema('pong', { 'id?': {} }),
		example: { msg: 'pong' },
	},
	error: {
		from: 'server',
		summary: 'A message could not be understood',
		payload: messageSchema('error', { reason: TEXT, 'offendingMessage?': {} }),
		example: { msg: 'error', reason: 'Bad request', offendingMessage: { msg: 'unknown' } },
	},
	updated: {
		from: 'server',
		summary: 'The server has sent everything that these calls have changed in the subscriptions of the client',
		payload: messageSchema('updated', { methods: TEXTS }),
		example: { msg: 'updated', methods: ['1'] },
	},
	unsub: {
		from: 'client',
		summary: 'Ends a subscription',
		payload: openMessageSchema('unsub', { id: TEXT }),
		example: { msg: 'unsub', id: '1' },
	},
	ready: {
		from: 'server',
		summary: 'All documents of these subscriptions have been sent',
		payload: messageSchema('ready', { subs: TEXTS }),
		example: { msg: 'ready', subs: ['1'] },
	},
	nosub: {
		from: 'server',
		summary: 'A subscription has ended, or was refused',
		payload: messageSchema('nosub', { 'id?': TEXT, 'error?': errorSchema() }),
		example: { msg: 'nosub', id: '1' },
	},
	removed: {
		from: 'server',
		summary: 'A document that no subscription of the client contains any more',
		payload: messageSchema('removed', { collection: TEXT, id: TEXT }),
		example: { msg: 'removed', collection: 'users', id: 'uB7xHn3QpLd9TzEwa' },
	},
};
