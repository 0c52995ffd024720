/** Makes the AsyncAPI 3.0 document: the DDP messages of every method, publication and stream. */
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
	/** Prefix of the path of every URL of the server. Default: none. */
	readonly pathPrefix?: string;
}

/** The channel of the messages that belong to no particular method, publication or stream. */
function protocolPart(): Part {
	const entries = Object.entries(PROTOCOL);
	const namesSentBy = (side: 'client' | 'server') =>
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
			fromClient: operation('receive', 'ddp', 'What clients send', namesSentBy('client')),
			toClient: operation('send', 'ddp', 'What clients receive', namesSentBy('server')),
		},
	};
}

const DESCRIPTION = `The methods, publications and streams of this server over DDP. Clients connect by WebSocket at
\`${ADDRESS}\` or by SockJS at \`/sockjs\`.

A client sends \`connect\` first. The channel \`ddp\` has the messages of every DDP server; each other channel is a
method, a publication or a stream. All channels use one connection. The members \`params\`, \`result\` and \`fields\` are
EJSON: a date is \`{"$date": ms}\`. Parameters after the listed ones are ignored. The REST routes are in
\`/api/v1/openapi.json\`.`;

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
		// For the page at `/api-docs`.
		'x-chapters': CHAPTERS.map(([title]) => title),
	};
}
