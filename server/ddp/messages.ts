/** The messages a client may send, each as a pattern and thereby a type (`test/contract/ddp.md` sections 3 to 10). */
import { Unreadable } from '../../shared/ejson.js';
import { Match, NonEmptyString } from '../../shared/match.js';
import { compile, type Infer } from '../../shared/pattern.js';
import * as codec from './codec.js';

/** Versions of DDP in the server's order of preference. */
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

// An empty id is Meteor's mark of a universal publication, which no client may start (section 10).
const Sub = compile(
	Match.ObjectIncluding({ msg: 'sub', id: NonEmptyString, name: String, params: Match.Optional([Match.Any]) }),
);

const Unsub = compile(Match.ObjectIncluding({ msg: 'unsub', id: String }));

export type MethodCall = Infer<typeof MethodCall>;
export type Sub = Infer<typeof Sub>;
export type Request = MethodCall | Sub | Infer<typeof Unsub>;

/** Anything with a `msg`: what a message must at least be. */
export interface Message {
	readonly msg: unknown;
	readonly [member: string]: unknown;
}

/**
 * Which version to speak (section 3): the client's first that we know.
 * @returns the version and whether the client may go on with it, or must come again and ask for it
 */
export function negotiate(message: Message): { version: string; agreed: boolean } {
	const preferred = VERSIONS[0] as string;
	if (!Connect.is(message)) return { version: preferred, agreed: false };
	const { version, support } = message;
	if (!support.includes(version)) return { version: preferred, agreed: false };
	const common = support.find((entry) => VERSIONS.includes(entry)) ?? preferred;
	return { version: common, agreed: common === version };
}

/** Reads a frame: the message in it, or, as text, the frame that says why there is none (section 9). */
export function readFrame(text: string): Message | string {
	let message: unknown;
	try {
		message = codec.readMessage(text);
	} catch (error) {
		return codec.protocolError(error instanceof Unreadable ? 'Parse error' : 'Bad request');
	}
	if (typeof message !== 'object' || message === null) return codec.protocolError('Bad request');
	return (message as Message).msg ? (message as Message) : refuse('Bad request', message, text);
}

/**
 * The frame that says what is wrong with a message, and with which as long as it is short. By the length of its own frame:
 * of a long one nothing is written, let alone kept.
 */
export function refuse(reason: string, message: object, text: string): string {
	return codec.protocolError(reason, text.length <= codec.MAX_ECHO_LENGTH ? message : undefined);
}

/** The session a client had before, as far as it names one; anything that could be none is left aside. */
export function formerSession({ session }: Message): string | undefined {
	return typeof session === 'string' && /^[0-9A-Za-z]{17}$/.test(session) ? session : undefined;
}

/** What a connected client asks for; or, as text, the frame that says why that cannot be told (section 9). */
export function requestOf(message: Message, text: string): Request | string {
	const request = readRequest(message);
	return typeof request === 'string' ? refuse(request, message, text) : request;
}

/** The request, or what is wrong with it. */
function readRequest(message: Message): Request | string {
	switch (message.msg) {
		case 'method':
			return MethodCall.is(message) ? message : 'Malformed method invocation';
		case 'sub':
			return Sub.is(message) ? message : 'Malformed subscription';
		case 'unsub':
			// Meteor says nothing, and its queue never moves again after an id that is no string (section 19).
			return Unsub.is(message) ? message : 'Malformed unsubscription';
		case 'connect':
			return 'Already connected';
		default:
			return 'Bad request';
	}
}
