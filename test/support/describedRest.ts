/** Checks each request to a server of a test, and its answer, against the OpenAPI document. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isChecked, report } from './described.js';
import { type Described, describedRest } from './schemas.js';

type Json = Record<string, unknown>;

interface Exchange {
	readonly verb: string;
	readonly path: string;
	readonly query: URLSearchParams;
	readonly contentType: string;
	readonly body: string;
	readonly status: number;
	readonly answer: string;
}

let templates: { template: string; pattern: RegExp }[] | undefined;

/** The path in the document, such as `/api/v1/rooms/{id}`, that fits the path of a request. */
function templateOf(path: string): string | undefined {
	templates ??= Object.keys(describedRest().document.paths as Json).map((template) => ({
		template,
		pattern: new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
	}));
	const plain = templates.find(({ template }) => template === path);
	return (plain ?? templates.find(({ pattern }) => pattern.test(path)))?.template;
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** A body without its null members, which a method may treat as missing. */
function withoutNull(body: unknown): unknown {
	if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
	return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** Parameters that Rocket.Chat's clients send to any GET. A method without such an argument ignores them. */
const IGNORED = new Set(['count', 'offset', 'sort', 'fields', 'query']);

interface Parameter {
	readonly name?: string;
	readonly in?: string;
	readonly required?: boolean;
	/** Present only if the value is JSON text. */
	readonly content?: unknown;
}

/**
 * The fault of a query: an unknown name, a value of the wrong type, or a missing parameter.
 * @param operationPath the path of the operation in the document
 */
export function queryFault(
	query: URLSearchParams,
	described: Described,
	operationPath: readonly string[],
): string | undefined {
	const parameters = (described.at(...operationPath, 'parameters') ?? []) as readonly Parameter[];
	for (const sentName of new Set(query.keys())) {
		const name = sentName.replace(/\[\]$/, '');
		const i = parameters.findIndex((parameter) => parameter.in === 'query' && parameter.name === name);
		if (i < 0) {
			if (IGNORED.has(sentName)) continue;
			return `the parameter ${sentName} is unknown`;
		}
		const values = query.getAll(sentName);
		const value = values.length > 1 ? values : values[0];
		const asJson = typeof value === 'string' && /^\s*[[{]/.test(value) ? parsed(value) : undefined;
		const isJsonText = parameters[i]?.content !== undefined;
		const content = isJsonText ? ['content', 'application/json'] : [];
		const path = [...operationPath, 'parameters', String(i), ...content, 'schema'];
		if (asJson !== undefined && !described.fault(asJson, path)) continue;
		if (isJsonText) {
			const fault = asJson === undefined ? 'it is not JSON' : described.fault(asJson, path);
			return `the parameter ${sentName}: ${fault}`;
		}
		// A value may be a text, a number or boolean as text, or the only member of a list.
		const fault = described.fault(value, path, true) && described.fault([value], path);
		if (fault) return `the parameter ${sentName}: ${fault}`;
	}
	const isSent = (name = '') => query.has(name) || query.has(`${name}[]`);
	const missing = parameters.find(
		(parameter) => parameter.in === 'query' && parameter.required && !isSent(parameter.name),
	);
	return missing && `the parameter ${missing.name} is missing`;
}

function requestFault(exchange: Exchange, operationPath: readonly string[]): string | undefined {
	const { verb, query, contentType, body } = exchange;
	const described = describedRest();
	if (verb === 'GET' || verb === 'DELETE') return queryFault(query, described, operationPath);
	if (!described.at(...operationPath, 'requestBody')) return undefined;
	if (contentType.startsWith('application/x-www-form-urlencoded')) {
		const form = new URLSearchParams(body);
		const fields = Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.get(name)]));
		return described.fault(fields, [...operationPath, 'requestBody', 'content', 'application/json', 'schema'], true);
	}
	const value = body.trim() === '' ? {} : parsed(body);
	const path = [...operationPath, 'requestBody', 'content', 'application/json', 'schema'];
	return described.fault(value, path) && described.fault(withoutNull(value), path);
}

function check(exchange: Exchange): void {
	const { verb, path, status, answer } = exchange;
	const template = templateOf(path);
	if (template === undefined) return;
	const operationPath = ['paths', template, verb.toLowerCase()];
	const operation = describedRest().at(...operationPath);
	if (!operation) {
		if (verb !== 'HEAD' && verb !== 'OPTIONS' && status < 400)
			report(`${verb} ${template} is answered, but not described`);
		return;
	}
	const title = `${verb} ${template}`;
	const responseKey = describedRest().at(...operationPath, 'responses', String(status)) ? String(status) : 'default';
	if (responseKey === 'default' && status < 400) report(`${title}: the status ${status} is not described`);
	const body = parsed(answer);
	const fault =
		body === undefined
			? `it is not JSON: ${answer.slice(0, 100)}`
			: describedRest().fault(body, [
					...operationPath,
					'responses',
					responseKey,
					'content',
					'application/json',
					'schema',
				]);
	if (fault) report(`${title} answered ${status}, and not as described: ${fault}; ${answer.slice(0, 300)}`);
	const sent = exchange.body.slice(0, 300) || `the query ${decodeURIComponent(String(exchange.query)).slice(0, 300)}`;
	const isMatchError = status === 400 && answer.includes('"error":"Match error: ');
	if (status !== 200 && !isMatchError) return;
	const faultOfRequest = requestFault(exchange, operationPath);
	// Routes that are not methods may refuse a request that is as described.
	const isMethodRoute = describedRest().at(...operationPath, 'x-arguments') !== undefined;
	if (isMatchError && isMethodRoute && !faultOfRequest)
		report(`${title} refused a request that is as described: ${sent}; ${answer.slice(0, 200)}`);
	if (status !== 200) return;
	if (faultOfRequest) report(`${title} accepted a request that is not as described: ${faultOfRequest}; ${sent}`);
}

/** Collects the bodies of a request and its answer, and checks them when the answer is complete. */
function watch(request: IncomingMessage, response: ServerResponse): void {
	const sent: Buffer[] = [];
	const answered: Buffer[] = [];
	const emit = request.emit;
	request.emit = function (this: IncomingMessage, event: string | symbol, ...args: unknown[]) {
		if (event === 'data') sent.push(Buffer.from(args[0] as Buffer | string));
		return emit.call(this, event, ...args);
	} as typeof emit;
	for (const name of ['write', 'end'] as const) {
		const original = response[name] as (...args: unknown[]) => unknown;
		response[name] = function (this: ServerResponse, ...args: unknown[]) {
			const [chunk] = args;
			if (typeof chunk === 'string' || chunk instanceof Uint8Array) answered.push(Buffer.from(chunk as string));
			return original.apply(this, args);
		} as never;
	}
	response.once('finish', () => {
		const url = new URL(request.url ?? '/', 'http://host');
		check({
			verb: request.method ?? '',
			path: url.pathname,
			query: url.searchParams,
			contentType: request.headers['content-type'] ?? '',
			body: Buffer.concat(sent).toString(),
			status: response.statusCode,
			answer: Buffer.concat(answered).toString(),
		});
	});
}

/** Begins to check the requests of this process. */
export function checkRest(): void {
	subscribe('http.server.request.start', (message) => {
		const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
		const isCall = request.url?.startsWith('/api/') && !request.url.startsWith('/api/v1/openapi.json');
		if (isCall && isChecked(request.socket.localPort)) watch(request, response);
	});
}
