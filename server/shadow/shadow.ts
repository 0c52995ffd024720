/**
 * The shadow mode (`--shadow`, docs/rocketchat.md). A proxy sends each request (the original) to Rocket.Chat, and a copy (a
 * mirrored request) to Roomkey. Roomkey replays the copy without writing. Later it logs where the database is not as the
 * request would have left it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { forgetCachedReads } from '../../methods/model/cachedReads.js';
import type { CollectionDefinition } from '../../shared/collections.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import type { Document } from '../../shared/values.js';
import { Counts } from '../core/counts.js';
import { readOnlyStore } from '../core/readOnly.js';
import { routePathOf } from '../rest/fixedRoutes.js';
import { collectionSpecs } from '../store/collections.js';
import { type Difference, findDifferences, nameOf, type TouchedDocument } from './compare.js';
import { errorTypeOf, idsIn, readBody } from './mirrored.js';
import { Overlay } from './overlay.js';

/**
 * How a mirrored request ended. `unclear`: there are differences, but other requests have changed the same documents.
 * `late`: the original had written documents before the replay read them. `read`: a GET or HEAD. `not-compared`: the request
 * concerned no keys. `skipped`: the body was too large, there was too much to do, or the server closes. `unknown`: no route
 * has the path and verb.
 */
export const SHADOW_OUTCOMES = [
	'agrees',
	'differs',
	'unclear',
	'late',
	'read',
	'not-compared',
	'failed',
	'skipped',
	'unknown',
] as const;
export type ShadowOutcome = (typeof SHADOW_OUTCOMES)[number];

/** Maximum number of requests that run or wait for their comparison. Further ones are skipped. */
const MAX_REQUESTS = 1000;

/** Maximum number of differences in one line of the log. */
const MAX_LOGGED = 20;

/** The form of the ids that proxies give to requests, such as nginx's `$request_id`. */
const PROXY_ID = /^[\w-]{1,64}$/;

export interface ShadowOptions {
	/** The store of the server. Nothing is written to it. */
	readonly real: Store;
	readonly declared: readonly CollectionDefinition[];
	/** How long after a request the database is compared, in ms. */
	readonly delay: number;
	readonly log: Log;
	/** Calls a function after a delay. Default: by a timer. */
	readonly later?: (run: () => void, ms: number) => void;
}

/** A replayed request. It is kept until no comparison of another request can depend on it. */
interface Replayed {
	readonly facts: object;
	readonly touched: readonly TouchedDocument[];
	/** The names (`nameOf`) of the documents that the request would change, or that the original may have changed. */
	readonly written: ReadonlySet<string>;
}

export class Shadow {
	readonly counts = new Counts<ShadowOutcome>(SHADOW_OUTCOMES);
	/** The store for methods: the overlay of the request that is replayed. Outside a replay it refuses writes. */
	readonly store: Store;
	readonly #overlays = new AsyncLocalStorage<Overlay>();
	readonly #specs;
	/** Requests that wait for their comparison, or on which a comparison of another request may depend. */
	readonly #recent = new Set<Replayed>();
	readonly #running = new Set<Promise<void>>();
	readonly #timers = new Set<NodeJS.Timeout>();
	/** Number of requests that wait for their comparison. */
	#waiting = 0;
	#isClosed = false;

	constructor(private readonly options: ShadowOptions) {
		this.#specs = collectionSpecs(options.declared);
		const readOnly = readOnlyStore(options.real);
		const views = Object.entries(readOnly).map(([key, collection]) => {
			const get = (_: object, name: string | symbol) => {
				const target = this.#overlays.getStore()?.collection(key) ?? collection;
				return Reflect.get(target, name)?.bind(target);
			};
			return [key, new Proxy({}, { get })] as const;
		});
		this.store = Object.fromEntries(views) as unknown as Store;
	}

	/**
	 * A hook of routes that answers a mirrored request and replays it. The replay calls this hook again, inside its overlay.
	 * Then the hook passes the body on to the route.
	 */
	readonly preParsing = async (
		request: FastifyRequest,
		reply: FastifyReply,
		payload: AsyncIterable<Buffer>,
	): Promise<unknown> => {
		const overlay = this.#overlays.getStore();
		if (overlay) {
			overlay.requestId = request.id;
			return payload;
		}
		const arrivedAt = Date.now();
		const body = await readBody(payload, request.routeOptions.bodyLimit);
		reply.hijack();
		reply.raw.writeHead(204, request.server.securityHeaders).end();
		const isFull = this.#running.size + this.#waiting >= MAX_REQUESTS;
		if (body === undefined || this.#isClosed || isFull) {
			this.counts.add('skipped');
			return undefined;
		}
		const running = this.#replay(request, body, arrivedAt).catch((err) => {
			this.counts.add('failed');
			this.options.log.error({ err }, 'A mirrored request could not be replayed');
		});
		this.#track(running);
		return undefined;
	};

	/** Counts a mirrored request that no route answers. It is not logged, because an unknown path may contain a secret. */
	readonly onUnknownRoute = (): void => this.counts.add('unknown');

	/** Keeps a promise while it is pending, so that `close` can wait for it. @param running must not reject */
	#track(running: Promise<void>): void {
		this.#running.add(running);
		void running.then(() => this.#running.delete(running));
	}

	/**
	 * Runs a mirrored request on an overlay, and decides whether its writes are compared.
	 * @param arrivedAt when the headers of the request arrived, in ms since 1970. Before this time, the original wrote nothing
	 */
	async #replay(request: FastifyRequest, body: Buffer, arrivedAt: number) {
		const { raw, headers: sent, method: verb, server } = request;
		const isRead = verb === 'GET' || verb === 'HEAD';
		const overlay = new Overlay(!isRead, this.options.real, this.#specs);
		// These headers are left out. They describe the body as it came over the network, not in one piece.
		const { 'content-length': _length, 'transfer-encoding': _coding, expect: _expect, ...headers } = sent;
		const { remoteAddress = '' } = raw.socket;
		try {
			if (!isRead) await overlay.copyById(idsIn(body, sent));
			const answer = await this.#overlays.run(
				overlay,
				// Awaited inside `run`, because `inject` starts the request only when it is awaited.
				async () =>
					await server.inject({ method: verb as 'GET', url: raw.url ?? '', headers, payload: body, remoteAddress }),
			);
			const touched = overlay.isFull ? [] : await overlay.touched();
			const proxyId = sent['x-request-id'];
			const facts = {
				shadow: true,
				requestId: overlay.requestId,
				...(typeof proxyId === 'string' && PROXY_ID.test(proxyId) && { proxyRequestId: proxyId }),
				verb,
				path: routePathOf(request),
				status: answer.statusCode,
				...errorTypeOf(answer),
			};
			// Caches of the store may hold what this request has read in its overlay.
			forgetCachedReads(this.store);
			if (overlay.isFull) this.#end('skipped', facts, 'A mirrored request was given up: it reads too many documents');
			else if (answer.statusCode >= 500) this.#end('failed', facts, 'A mirrored request failed');
			else if (isRead) this.#end('read', facts, 'A mirrored read was answered');
			else if (touched.length === 0) this.#end('not-compared', facts, 'A mirrored request concerned no keys');
			else if (touched.some(({ before }) => isWrittenSince(before, arrivedAt))) this.#endLate(facts, touched);
			else this.#compareLater(facts, touched);
		} finally {
			overlay.release();
		}
	}

	/**
	 * Compares after the delay. The request stays in `#recent` for a second delay, because comparisons of other requests
	 * must know which documents it changes.
	 */
	#compareLater(facts: object, touched: readonly TouchedDocument[]): void {
		const replayed = { facts, touched, written: namesOf(touched.filter(isChanged)) };
		this.#recent.add(replayed);
		this.#waiting += 1;
		this.#later(() => {
			this.#waiting -= 1;
			this.#track(this.#compare(replayed).catch((err) => this.#end('failed', { ...facts, err }, 'Not compared')));
			this.#later(() => this.#recent.delete(replayed));
		});
	}

	/** Ends a request without a comparison. Comparisons of other requests must know what its original wrote. */
	#endLate(facts: object, touched: readonly TouchedDocument[]): void {
		this.#end(
			'late',
			{ ...facts, documents: touched.length },
			'The original had written before a mirrored request read',
		);
		const replayed = { facts, touched, written: namesOf(touched) };
		this.#recent.add(replayed);
		this.#later(() => this.#later(() => this.#recent.delete(replayed)));
	}

	async #compare(replayed: Replayed): Promise<void> {
		const { facts, touched } = replayed;
		const found = await findDifferences(this.options.real, touched);
		const others = [...this.#recent].filter((other) => other !== replayed);
		/** Whether no other request can have caused the difference. */
		const isClear = ({ collection: key, id }: Difference) =>
			!others.some(({ written }) => written.has(nameOf(key, id)));
		const compared = { ...facts, documents: touched.length };
		const differences = found.slice(0, MAX_LOGGED);
		if (found.length === 0) this.#end('agrees', { ...compared, agrees: true }, 'A mirrored request agrees');
		else if (found.some(isClear))
			this.#end('differs', { ...compared, agrees: false, differences }, 'A mirrored request differs');
		else this.#end('unclear', { ...compared, differences }, 'Other requests changed the same documents meanwhile');
	}

	#end(outcome: ShadowOutcome, facts: object, text: string): void {
		this.counts.add(outcome);
		this.options.log[LEVELS[outcome] ?? 'info']({ ...facts, outcome }, text);
	}

	#later(run: () => void): void {
		if (this.#isClosed) return;
		const { delay, later } = this.options;
		if (later) {
			later(run, delay);
			return;
		}
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			run();
		}, delay);
		this.#timers.add(timer);
	}

	/** Accepts no more requests, and resolves when nothing runs. Comparisons whose time has not come are left out. */
	async close(): Promise<void> {
		this.#isClosed = true;
		for (const timer of this.#timers) clearTimeout(timer);
		await Promise.all(this.#running);
	}
}

const LEVELS: Readonly<Partial<Record<ShadowOutcome, 'warn' | 'error'>>> = {
	differs: 'warn',
	failed: 'error',
	skipped: 'warn',
};

const isChanged = ({ after, changed }: TouchedDocument) => after === null || changed.length > 0;

const namesOf = (touched: readonly TouchedDocument[]) => new Set(touched.map(({ key, id }) => nameOf(key, id)));

/** Whether a document says that it was written at this time or later. @param time in ms since 1970 */
const isWrittenSince = ({ _updatedAt }: Document, time: number) =>
	_updatedAt instanceof Date && _updatedAt.getTime() >= time;
