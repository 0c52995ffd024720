/**
 * Parses and encodes DDP messages (`test/contract/ddp.md` sections 2 to 10). Only `fields`, `params` and `result` are
 * EJSON; the other members are plain JSON.
 */

import { decode, ejsonFormat, mayHoldTypes, parseJson, stringify, Unreadable } from '../../shared/ejson.js';
import { type ClientError, clientError } from '../../shared/errors.js';
import { isObject } from '../../shared/isObject.js';
import { Match, NonEmptyString } from '../../shared/match.js';
import { compile, type Infer } from '../../shared/pattern.js';
import { encodeInSlices } from '../../shared/slices.js';

// Incoming messages

/** Supported versions of DDP, the newest first. */
export const VERSIONS: readonly string[] = ['1', 'pre2', 'pre1'];

const Connect = compile(Match.ObjectIncluding({ version: String, support: [String] }));

const MethodCall = compile(
	Match.ObjectIncluding({
		msg: 'method',
		id: String,
		method: String,
		params: Match.Optional([Match.Any]),
		randomSeed: Match.Optional(String),
	}),
);

// In Meteor an empty id stands for a universal publication, which no client may start (`test/contract/ddp.md` section
// 10).
const Sub = compile(
	Match.ObjectIncluding({ msg: 'sub', id: NonEmptyString, name: String, params: Match.Optional([Match.Any]) }),
);

const Unsub = compile(Match.ObjectIncluding({ msg: 'unsub', id: String }));

export type MethodCall = Infer<typeof MethodCall>;
export type Sub = Infer<typeof Sub>;

/** A frame so large that only a logged-in client may send it. It arrived during a login and is not parsed yet. */
export interface LargeFrame {
	readonly msg: 'large';
	readonly text: string;
}

export type Request = MethodCall | Sub | Infer<typeof Unsub>;

/** A decoded message. Only `msg` is known to exist. */
export interface Message {
	readonly msg: unknown;
	readonly [member: string]: unknown;
}

/**
 * Negotiates the protocol version (`test/contract/ddp.md` section 3): of the versions that both sides support, the one
 * that the client prefers.
 * @returns the version, and `agreed`: false if the client must reconnect with this version
 */
export function negotiate(message: Message): { version: string; agreed: boolean } {
	const newest = VERSIONS[0] as string;
	if (!Connect.is(message)) return { version: newest, agreed: false };
	const { version: proposed, support } = message;
	if (!support.includes(proposed)) return { version: newest, agreed: false };
	const common = support.find((version) => VERSIONS.includes(version)) ?? newest;
	return { version: common, agreed: common === proposed };
}

/**
 * Parses a frame.
 * @returns its message; for a malformed frame a string, the error frame that answers it (`test/contract/ddp.md` 9)
 */
export function parseFrame(text: string): Message | string {
	let message: unknown;
	try {
		message = readMessage(text);
	} catch (error) {
		// As in Meteor, 'Parse error' means invalid EJSON, and a frame that is not JSON is a 'Bad request'.
		return protocolError(error instanceof Unreadable ? 'Parse error' : 'Bad request');
	}
	if (typeof message !== 'object' || message === null) return protocolError('Bad request');
	return (message as Message).msg ? (message as Message) : errorFrame('Bad request', message, text);
}

/** The error frame that answers a message. @param text the frame of the message; a long one is not included */
export function errorFrame(reason: string, message: object, text: string): string {
	return protocolError(reason, text.length <= MAX_ECHO_LENGTH ? message : undefined);
}

/** The id of the session that a client asks to resume, if it has the form of this server's ids. */
export function formerSession({ session }: Message): string | undefined {
	return typeof session === 'string' && /^[0-9A-Za-z]{17}$/.test(session) ? session : undefined;
}

/**
 * Checks the request of a connected client.
 * @returns the request; for a malformed one a string, the error frame
 */
export function parseRequest(message: Message, text: string): Request | string {
	const request = checkRequest(message);
	return typeof request === 'string' ? errorFrame(request, message, text) : request;
}

function checkRequest(message: Message): Request | string {
	switch (message.msg) {
		case 'method':
			return MethodCall.is(message) ? message : 'Malformed method invocation';
		case 'sub':
			return Sub.is(message) ? message : 'Malformed subscription';
		case 'unsub':
			// Meteor's queue stops for ever at an id that is not a string (`test/contract/ddp.md` section 19).
			return Unsub.is(message) ? message : 'Malformed unsubscription';
		case 'connect':
			return 'Already connected';
		default:
			return 'Bad request';
	}
}

/**
 * Clients send only `params`. The others are decoded too, because Meteor refuses a message if one of them is invalid.
 */
const EJSON_FIELDS = ['fields', 'params', 'result'] as const;

/** Fields of a document; those set to undefined are sent as `cleared`. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Decodes a frame without checking the message.
 * @returns the JSON value, with its EJSON fields decoded, and each name in `cleared` as an undefined field
 * @throws SyntaxError if the frame is not JSON; Unreadable if its EJSON fields or `cleared` are invalid
 */
export function readMessage(text: string): unknown {
	const message = parseJson(text);
	if (typeof message !== 'object' || message === null) return message;
	const members = message as Record<string, unknown>;
	// Most frames contain no EJSON type.
	if (mayHoldTypes(text)) {
		for (const name of EJSON_FIELDS) {
			if (members[name] !== undefined) members[name] = decode(members[name]);
		}
	}
	if (members.cleared === undefined) return message;
	const { cleared, ...rest } = members;
	return { ...rest, fields: withCleared(members.fields, cleared) };
}

function withCleared(fields: unknown, cleared: unknown): Record<string, unknown> {
	if (!Array.isArray(cleared)) throw new Unreadable('cleared is not an array');
	// The spread below would turn a string into an object of its characters.
	const areFields = fields === undefined || isObject(fields);
	if (!areFields) throw new Unreadable('fields is not an object');
	const allFields: Record<string, unknown> = { ...(fields as object | undefined) };
	for (const name of cleared) allFields[String(name)] = undefined;
	return allFields;
}

// Outgoing messages

export const connected = (session: string): string => `{"msg":"connected","session":${JSON.stringify(session)}}`;

export const failed = (version: string): string => `{"msg":"failed","version":${JSON.stringify(version)}}`;

export const ping = (): string => '{"msg":"ping"}';

/** @param id the id of the ping, of any type; undefined for a ping without one */
export function pong(id: unknown): string {
	return id === undefined ? '{"msg":"pong"}' : `{"msg":"pong","id":${JSON.stringify(id)}}`;
}

/**
 * The `result` message of a successful method.
 * @throws Error for a value that cannot be encoded, such as a BigInt
 */
export function result(id: string | number, value: unknown): string {
	const encoded = stringify(value);
	const end = encoded === undefined ? '}' : `,"result":${encoded}}`;
	return `{"msg":"result","id":${JSON.stringify(id)}${end}`;
}

/** Like `result`, for a large value: yields to the event loop while it encodes, and returns the message in parts. */
export function largeResult<T>(id: string | number, value: unknown, toPart: (text: string) => T): Promise<T[]> {
	return encodeInSlices(value, ejsonFormat, toPart, `{"msg":"result","id":${JSON.stringify(id)},"result":`, '}');
}

/** The `result` message of a failed method. */
export function failure(id: string | number, error: ClientError): string {
	return `{"msg":"result","id":${JSON.stringify(id)},"error":${encodeError(error)}}`;
}

export const updated = (methodId: string): string => `{"msg":"updated","methods":[${JSON.stringify(methodId)}]}`;

export function ready(subIds: readonly string[]): string {
	return `{"msg":"ready","subs":${JSON.stringify(subIds)}}`;
}

/** @param id null for a universal publication, which has none */
export function nosub(id: string | null, error?: ClientError): string {
	const idMember = id === null ? '' : `,"id":${JSON.stringify(id)}`;
	const errorMember = error ? `,"error":${encodeError(error)}` : '';
	return `{"msg":"nosub"${idMember}${errorMember}}`;
}

export const added = (collection: string, id: unknown, fields: Fields): string =>
	documentMessage('added', collection, id, fields);

export const changed = (collection: string, id: unknown, fields: Fields): string =>
	documentMessage('changed', collection, id, fields);

export function removed(collection: string, id: unknown): string {
	return documentMessage('removed', collection, id, {});
}

/** Longest message that an error frame includes, in bytes. */
export const MAX_ECHO_LENGTH = 1024;

/**
 * The `error` message for a malformed frame (`test/contract/ddp.md` section 9).
 * @param offendingMessage the decoded message; left out if undefined, or if its JSON is longer than `MAX_ECHO_LENGTH`. The
 *   JSON can be longer than the frame was: `1e20` becomes 21 digits
 */
export function protocolError(reason: string, offendingMessage?: unknown): string {
	const echo = JSON.stringify(offendingMessage);
	const isShort = echo !== undefined && Buffer.byteLength(echo) <= MAX_ECHO_LENGTH;
	const end = isShort ? `,"offendingMessage":${echo}}` : '}';
	return `{"msg":"error","reason":${JSON.stringify(reason)}${end}`;
}

function documentMessage(msg: string, collection: string, id: unknown, fields: Fields): string {
	let text = `{"msg":"${msg}","collection":${JSON.stringify(collection)},"id":${JSON.stringify(wireId(id))}`;
	const encoded = stringify(fields);
	if (encoded !== undefined && encoded !== '{}') text += `,"fields":${encoded}`;
	const cleared = Object.keys(fields).filter((name) => fields[name] === undefined);
	if (cleared.length > 0) text += `,"cleared":${JSON.stringify(cleared)}`;
	return `${text}}`;
}

/**
 * Encodes an error, with its members in the order of `test/contract/ddp.md` section 8. An error that cannot be encoded
 * is sent as 500.
 */
export function encodeError({ error, reason, details, message }: ClientError): string {
	try {
		return JSON.stringify({ isClientSafe: true, error, reason, details, message, errorType: 'Meteor.Error' });
	} catch {
		// Details with a BigInt or a cycle.
		return encodeError(clientError('internal'));
	}
}

const MAX_LOGGED_ID = 100;

/** Shortened, because the client chooses the id. */
export function loggedId(id: string): string {
	return id.slice(0, MAX_LOGGED_ID);
}

/**
 * Encodes a document's id for clients: a string that distinguishes ids of different types (`test/contract/ddp.md`
 * section 2).
 */
export function wireId(id: unknown): string {
	if (typeof id === 'string') {
		// A string that looks like an encoded id of another type gets a dash before it. 24 hex digits, for example, are an
		// ObjectID.
		const isAmbiguous = /^[-~{]/.test(id) || /^[0-9a-f]{24}$/.test(id);
		return isAmbiguous ? `-${id}` : id;
	}
	if (id === undefined) return '-';
	if (typeof id === 'object' && id !== null) {
		// An EJSON type, such as an ObjectID.
		if ('typeName' in id && 'toJSONValue' in id) return String((id as { toJSONValue(): unknown }).toJSONValue());
		throw new Error('Meteor does not currently support objects other than ObjectID as ids');
	}
	return `~${JSON.stringify(id)}`;
}
