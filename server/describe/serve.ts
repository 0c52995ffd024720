/** Serves `/api/v1/openapi.json` and `/asyncapi.json`. Each is made at its first request, to keep the start fast. */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Catalogue } from '../catalogue.js';
import { loadOnce } from '../core/loadOnce.js';
import { REFUSES_OTHER_VERBS } from '../rest/server.js';
import { packageVersion } from '../version.js';

export const OPENAPI_PATH = '/api/v1/openapi.json';
export const ASYNCAPI_PATH = '/asyncapi.json';

/** A file in memory, plain and compressed. */
export interface ServedFile {
	readonly type: string;
	readonly etag: string;
	readonly plain: Buffer;
	readonly gzip: Buffer;
	readonly headers?: Readonly<Record<string, string>>;
}

/** Compresses a text and computes its ETag. @param type the media type */
export async function makeServedFile(type: string, text: string): Promise<ServedFile> {
	const { gzip } = await import('node:zlib');
	const plain = Buffer.from(text);
	const hash = createHash('sha256').update(plain).digest('base64url');
	// A weak ETag, because the plain and the compressed body have the same.
	return { type, etag: `W/"${hash}"`, plain, gzip: await promisify(gzip)(plain) };
}

/** Whether a header `Accept-Encoding` accepts gzip, also as `*`. A weight of 0 means that it does not. */
function acceptsGzip(header = ''): boolean {
	const weights = new Map<string, number>();
	for (const part of header.toLowerCase().split(',')) {
		const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
		const weight = parameters.find((parameter) => parameter.startsWith('q='));
		weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
	}
	return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}

/** Whether a header `If-None-Match` names this ETag. It may be a list, or `*`, and a proxy may make an ETag weak. */
function namesEtag(header: string | undefined, etag: string): boolean {
	const strong = (text: string) => text.trim().replace(/^W\//, '');
	const names = header?.split(',').map(strong) ?? [];
	return names.includes('*') || names.includes(strong(etag));
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: ServedFile): FastifyReply {
	const { type, etag, plain, gzip, headers } = file;
	reply.headers({
		'content-type': type,
		'cache-control': 'no-cache',
		vary: 'accept-encoding',
		'x-content-type-options': 'nosniff',
		etag,
		...headers,
	});
	if (namesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
	if (!acceptsGzip(request.headers['accept-encoding'] as string | undefined)) return reply.send(plain);
	return reply.header('content-encoding', 'gzip').send(gzip);
}

/** Adds a path that answers GET with a file. @param make makes the file, at the first request */
export function addFileRoute(app: FastifyInstance, path: string, make: () => Promise<ServedFile>): void {
	const getFile = loadOnce(make);
	app.get(path, { config: { [REFUSES_OTHER_VERBS]: true } }, async (request, reply) => {
		// Relative URLs in a page are wrong if its path ends with a slash.
		if (/^[^?]*\/(\?|$)/.test(request.url)) return reply.redirect(`../${path.slice(path.lastIndexOf('/') + 1)}`, 308);
		return sendFile(request, reply, await getFile());
	});
}

const JSON_TYPE = 'application/json';

/** Adds the paths of the documents, which describe the catalogue. */
export function serveDocuments(app: FastifyInstance, catalogue: Catalogue, pathPrefix = ''): void {
	const { methods, publications, streams, limits = [] } = catalogue;
	const documentOptions = () => ({ methods, publications, streams, limits, version: packageVersion(), pathPrefix });
	addFileRoute(app, OPENAPI_PATH, async () => {
		const { openapiDocument } = await import('./openapi.js');
		return makeServedFile(JSON_TYPE, JSON.stringify(openapiDocument(documentOptions())));
	});
	addFileRoute(app, ASYNCAPI_PATH, async () => {
		const { asyncapiDocument } = await import('./asyncapi.js');
		return makeServedFile(JSON_TYPE, JSON.stringify(asyncapiDocument(documentOptions())));
	});
}
