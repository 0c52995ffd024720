/** Answers `/livez`, `/readyz` and `/metrics`, for probes and for Prometheus, without rate limits. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../../shared/log.js';
import { loadOnce } from '../core/loadOnce.js';
import { closeServer } from '../http/closeServer.js';
import { securityHeaders } from '../http/securityHeaders.js';
import { unrefServer } from '../http/unref.js';
import type { Health } from './health.js';
import type { Metrics } from './metrics.js';

export interface PageAnswer {
	readonly status: number;
	readonly type: string;
	readonly body: string;
}

/** A path that answers GET without calling a method. */
export interface Page {
	readonly path: string;
	answer(request: Pick<IncomingMessage, 'url' | 'headers'>): Promise<PageAnswer>;
}

const PLAIN = 'text/plain; charset=utf-8';

/** Whether a probe wants one word instead of JSON, by the query `?plain` or the header `Accept`. */
function wantsOneWord({ url = '', headers: { accept = '' } }: Pick<IncomingMessage, 'url' | 'headers'>): boolean {
	const hasPlainInQuery = /\?(.*&)?plain(=|&|$)/.test(url);
	const prefersText = accept.startsWith('text/plain') && !accept.includes('json');
	return hasPlainInQuery || prefersText;
}

function probeAnswer(request: Pick<IncomingMessage, 'url' | 'headers'>, status: number, word: string, report: object) {
	return wantsOneWord(request)
		? { status, type: PLAIN, body: `${word}\n` }
		: { status, type: 'application/json', body: JSON.stringify(report) };
}

/** The pages about the health of a server. */
export function healthPages(health: Health): Page[] {
	const aliveSince = new Date().toISOString();
	return [
		{ path: '/livez', answer: async (request) => probeAnswer(request, 200, 'ok', { status: 'ok', since: aliveSince }) },
		{
			path: '/readyz',
			async answer(request) {
				const report = await health.report();
				const isReady = report.status === 'ready';
				return probeAnswer(request, isReady ? 200 : 503, isReady ? 'ready' : 'unready', report);
			},
		},
	];
}

/** The page for Prometheus. @param load creates the metrics, at the first scrape */
export function metricsPage(load: () => Promise<Metrics>): Page {
	const getMetrics = loadOnce(load);
	return {
		path: '/metrics',
		async answer() {
			const { contentType, text } = await getMetrics();
			return { status: 200, type: contentType, body: await text() };
		},
	};
}

/** How long a client of the separate port may take for a request, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface PageServer {
	readonly port: number;
	close(): Promise<void>;
}

/**
 * Serves the pages at a port of their own.
 * @param port 0 picks a free one
 * @throws the error of `listen`
 */
export async function servePages(pages: readonly Page[], host: string, port: number, log: Log): Promise<PageServer> {
	const byPath = new Map(pages.map((page) => [page.path, page]));
	const security = securityHeaders(false);
	const server: Server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
		const page = byPath.get((request.url ?? '').replace(/\?.*$/s, ''));
		const isReading = request.method === 'GET' || request.method === 'HEAD';
		const sendText = (status: number, body: string, headers = {}) =>
			response.writeHead(status, { ...security, 'content-type': PLAIN, ...headers }).end(body);
		if (!page) return void sendText(404, 'Not found\n');
		if (!isReading) return void sendText(405, 'Only GET and HEAD\n', { allow: 'GET, HEAD' });
		page.answer(request).then(
			({ status, type, body }) =>
				void response
					.writeHead(status, { ...security, 'content-type': type, 'cache-control': 'no-store' })
					.end(request.method === 'HEAD' ? undefined : body),
			(err) => {
				log.error({ err, path: page.path }, 'Exception while answering a request');
				sendText(500, 'Internal server error\n');
			},
		);
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject).listen(port, host, () => resolve());
	});
	server.removeAllListeners('error');
	// The server for clients keeps the process alive.
	unrefServer(server);
	return {
		port: (server.address() as AddressInfo).port,
		close: () => closeServer(server),
	};
}
