/** The form of the cases (README.md of this folder), and the function that reads them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** JSON, in which the text `<name>` and an object with the member `?` are holes (`match.ts`). */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** The DDP version that the client asks for before the first step. `false`: the steps negotiate it. */
export type Handshake = '1' | 'pre2' | 'pre1' | false;

/** What a step does, or what it expects of the server. */
type Action =
	/** Sends a message as JSON. */
	| { readonly send: Json }
	/** Sends a text as one message. */
	| { readonly sendText: string }
	/** Sends a text as a binary frame. */
	| { readonly sendBinary: string }
	/** Sends a text as a frame, without SockJS framing. */
	| { readonly sendFrame: string }
	/** The next message is this one. */
	| { readonly receive: Json }
	/** The next messages are these. An entry may be a list of messages that keep their order. */
	| { readonly receiveAll: readonly Json[] }
	/** The next frame is this text, or fits this hole. */
	| { readonly receiveFrame: Json }
	/** Calls a method or sends a ping. Nothing but the answer arrives. */
	| { readonly quiet: 'method' | 'ping' }
	/** The client closes the connection. */
	| { readonly close: true }
	/** The connection has been closed, with this `code` and `reason`. */
	| { readonly closed: Json }
	/** Sends an HTTP request, and compares `status`, `headers` and `body` of the answer. */
	| { readonly http: HttpRequest; readonly answer: Json };

/** One step. `on` names the connection. Default: `a`. */
export type Step = { readonly on?: string } & Action;

/** An HTTP request to the server. */
export interface HttpRequest {
	readonly method: string;
	/** Below the address of the server. Path and body may contain holes of the form `<name>`. */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

/** What a server under test may lack. */
export const FEATURES = [
	'accounts',
	'check',
	'connection',
	'documents',
	'heartbeat',
	'nested',
	'polling',
	'random',
	'rate-limit',
	'setUserId',
	'sockjs',
	'strategies',
] as const;

export type Feature = (typeof FEATURES)[number];

export const LEVELS = ['C', 'M', 'Q'] as const;

/** C: clients depend on it. M: Meteor does it. Q: Meteor has a fault there, and the case asks for something sane. */
export type Level = (typeof LEVELS)[number];

export interface Case {
	readonly name: string;
	/** The section that the case shows, of a file in `test/contract`, such as `ddp.md 7`. */
	readonly section: string;
	readonly level: Level;
	/** Features that the server needs for this case. Default: none. */
	readonly needs?: readonly Feature[];
	/** Default: version 1. */
	readonly connect?: Handshake;
	/** Connects at this path, whatever the transport of the run. The path may contain holes of the form `<name>`. */
	readonly path?: string;
	/** True: what arrives after the last step is not looked at. */
	readonly open?: boolean;
	readonly steps: readonly Step[];
}

/** The folder of the cases, which are JSON files. In the package the files are compressed by gzip. */
const CASES = 'test/conformance/cases/';

/** Finds `CASES` below one of the folders that contain this file. */
function findFolder(): string {
	for (let at = new URL('./', import.meta.url); at.pathname !== '/'; at = new URL('../', at)) {
		const folder = fileURLToPath(new URL(CASES, at));
		if (existsSync(folder)) return folder;
	}
	throw new Error(`There is no folder ${CASES} above ${import.meta.url}`);
}

/** Reads all cases, file by file. @throws Error if two cases have the same name */
export function loadCases(): Case[] {
	const folder = findFolder();
	const files = readdirSync(folder).filter((name) => /\.json(\.gz)?$/.test(name));
	const cases = files.sort().flatMap((name) => JSON.parse(textOf(`${folder}${name}`)) as Case[]);
	const names = new Set<string>();
	for (const { name } of cases) {
		if (names.has(name)) throw new Error(`Two cases are named '${name}'`);
		names.add(name);
	}
	return cases;
}

function textOf(file: string): string {
	const bytes = readFileSync(file);
	return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}
