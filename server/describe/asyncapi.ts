/** The AsyncAPI 3.0 document: the messages of DDP for every method, publication and stream, from the definitions. */
import type { RateRule } from '../../shared/limit.js';
import type { Method } from '../../shared/method.js';
import type { Publication } from '../../shared/publication.js';
import type { Stream } from '../../shared/stream.js';
import { ADDRESS, messageObject, operation, type Part } from './channels.js';
import { CHAPTERS } from './chapters.js';
import { PROTOCOL } from './ddpMessages.js';
import { ExampleMaker } from './examples.js';
import { methodPart } from './methodChannel.js';
import { publicationPart } from './publicationChannel.js';
import { SchemaMaker } from './schema.js';
import { streamPart } from './streamChannel.js';

export interface DdpDocumentOptions {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
	readonly limits: readonly RateRule[];
	/** The version of Roomkey. */
	readonly version: string;
	/** The path below which everything is. Default: none. */
	readonly pathPrefix?: string;
}

/**
 * The channel of the messages that every DDP server has: handshake, heartbeat, and those about calls and subscriptions.
 */
function protocolPart(): Part {
	const entries = Object.entries(PROTOCOL);
	const sentBy = (side: 'client' | 'server') =>
		entries.filter(([, { from }]) => from === side || from === 'both').map(([name]) => name);
	return {
		id: 'ddp',
		channel: {
			address: ADDRESS,
			title: 'DDP',
			summary: 'The messages of every DDP server',
			messages: Object.fromEntries(
				entries.map(([name, { summary, payload, example }]) => [name, messageObject(name, summary, payload, example)]),
			),
			'x-kind': 'protocol',
		},
		operations: {
			fromClient: operation('receive', 'ddp', 'What clients send', sentBy('client')),
			toClient: operation('send', 'ddp', 'What clients receive', sentBy('server')),
		},
	};
}

const DESCRIPTION = `What DDP clients call and subscribe to here, over WebSocket at \`${ADDRESS}\` and SockJS at \`/sockjs\`.

A client sends \`connect\` first. Each channel is a method, a publication or a stream: all use the same connection. The
members \`params\`, \`result\` and \`fields\` are EJSON: a date is \`{"$date": ms}\`. A method may be given more parameters
than are listed, which are ignored. Over REST: see \`/api/v1/openapi.json\`.`;

/** Makes the document. */
export function asyncapiDocument(options: DdpDocumentOptions): Record<string, unknown> {
	const { methods, publications, streams, limits, version, pathPrefix } = options;
	const maker = new SchemaMaker('ejson');
	const context = { maker, examples: new ExampleMaker(maker.components), limits };
	const parts = [
		protocolPart(),
		...methods.map((method) => methodPart(method, context)),
		...publications.map((publication, i) => publicationPart(publication, context, i)),
		...streams.map((stream) => streamPart(stream, context)),
	];
	return {
		asyncapi: '3.0.0',
		info: { title: 'Roomkey', version, description: DESCRIPTION, license: { name: 'MIT' } },
		defaultContentType: 'application/json',
		servers: {
			server: {
				host: '{host}',
				protocol: 'ws',
				...(pathPrefix && { pathname: pathPrefix }),
				description: 'The host this document comes from',
				variables: { host: { default: 'localhost:3000', description: 'Host and port' } },
			},
		},
		channels: Object.fromEntries(parts.map(({ id, channel }) => [id, channel])),
		operations: Object.assign({}, ...parts.map(({ operations }) => operations)),
		components: { schemas: maker.components },
		// Extensions that the page at /api-docs shows.
		'x-chapters': CHAPTERS.map(([title]) => title),
	};
}
