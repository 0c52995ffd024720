/** Parses the bodies and queries of REST requests. */
import querystring, { type ParsedUrlQuery } from 'node:querystring';
import type { FastifyRequest } from 'fastify';
import { MAX_VALUES, parseJson, Unreadable } from '../../shared/ejson.js';

type Done = (error: Error | null, body?: unknown) => void;

const refusedBody = (statusCode: number, text: string) => Object.assign(new Error(text), { statusCode });

/** Makes a parser of bodies for fastify. @param parse throws `Unreadable`, or SyntaxError for text that is not JSON */
function bodyParser(parse: (text: string) => unknown) {
	return ({ headers }: FastifyRequest, text: string, done: Done): void => {
		const { 'content-encoding': encoding = 'identity' } = headers;
		if (encoding.toLowerCase() !== 'identity') {
			done(refusedBody(415, 'The body must not have a Content-Encoding'));
			return;
		}
		let body: unknown;
		try {
			body = parse(text);
		} catch (error) {
			const isRefused = error instanceof Unreadable;
			done(refusedBody(400, isRefused ? `The body is refused: ${error.message}` : 'The body is not valid JSON'));
			return;
		}
		done(null, body);
	};
}

/** Parses a JSON body. An empty body counts as `{}`, as in Rocket.Chat. */
export const parseJsonBody = bodyParser((text) => (text.trim() === '' ? {} : parseJson(text)));

/** Parses the body of a form. */
export const parseForm = bodyParser((text) => {
	// A query needs no such limit: Node limits the length of the headers.
	if (text.split('&', MAX_VALUES + 1).length > MAX_VALUES) throw new Unreadable('too many values');
	return parseQuery(text);
});

/** Parses a query into an object without a prototype. By default Node would drop all fields after the first 1,000. */
export function parseQuery(text: string): ParsedUrlQuery {
	return querystring.parse(text, '&', '=', { maxKeys: 0 });
}
