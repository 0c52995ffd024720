/** A DDP client inside the process of the server, for tests of publications. */
import { parse, stringify } from '../../shared/ejson.js';
import { ClientError, withCause } from '../../shared/errors.js';
import type { OpenSession, Receiver } from '../ddp/transports/transport.js';
import { callSite, withCallSite } from './callSite.js';
import { holdProcess } from './holdProcess.js';
import { MemoryTransport } from './transport.js';

type Fields = Record<string, unknown>;

/** A message of any kind from the server. */
interface Frame {
	readonly msg?: string;
	readonly id?: string;
	readonly session?: string;
	readonly collection?: string;
	readonly fields?: Fields;
	readonly cleared?: readonly string[];
	readonly subs?: readonly string[];
	readonly methods?: readonly string[];
	readonly result?: unknown;
	/** Why a message is malformed. */
	readonly reason?: string;
	readonly error?: { readonly error: string | number; readonly reason?: string; readonly details?: unknown };
}

interface PendingRequest {
	resolve(value: unknown): void;
	reject(error: Error): void;
	/** The promise that the test has received. */
	promise: Promise<unknown>;
	readonly site: ReturnType<typeof callSite>;
}

/** Looks up why a request has failed: an exception, or an argument that does not match. Undefined if unknown. */
export type CauseOf = (sessionId: string | undefined, requestId: string) => unknown;

/** Codes of errors whose cause only the log has: a wrong argument, a server error, and an unavailable store. */
const HAS_CAUSE: ReadonlySet<string | number> = new Set([400, 500, 503]);

export interface TestClient {
	/** Calls a method. Resolves once its writes have been delivered to this client (`updated`). */
	call(name: string, ...args: unknown[]): Promise<unknown>;
	/**
	 * Subscribes. Resolves with the subscription's id when the client has received the initial documents (`ready`). Rejects
	 * if the subscription is refused.
	 */
	subscribe(name: string, ...args: unknown[]): Promise<string>;
	/** Ends a subscription. Resolves when its documents have been removed from the client. */
	unsubscribe(id: string): Promise<void>;
	/** The documents of a collection that the client has now, with their ids as `_id`, in no particular order. */
	documents(collection: string): Fields[];
	/** Every frame that the client has received, in order. */
	readonly frames: readonly object[];
	/** Whether a call or subscription has not been answered yet. */
	readonly isWaiting: boolean;
	/** Disconnects. Unanswered calls and subscriptions are rejected. */
	close(): void;
}

/** Connects a client that is not logged in. @internal */
export async function connectClient(open: OpenSession, causeOf: CauseOf): Promise<TestClient> {
	const collections = new Map<string, Map<string, Fields>>();
	/** The unanswered requests, by kind and id, such as `method 3`. */
	const pending = new Map<string, PendingRequest>();
	/** By call id: the messages `result` and `updated`, as far as they have arrived. */
	const calls = new Map<string, { result: Frame | undefined; isUpdated: boolean | undefined }>();
	const frames: Frame[] = [];
	let lastId = 0;
	let session: string | undefined;
	/** The key of the request that is being sent. If its message cannot be parsed, `error` arrives before `send` returns. */
	let sending = '';
	let receiver: Receiver;

	const transport = new MemoryTransport((text) => {
		const frame = parse(text) as Frame;
		frames.push(frame);
		handlers[frame.msg ?? '']?.(frame);
	});
	receiver = open(transport);
	transport.onClosed = () => {
		for (const { reject, promise } of pending.values()) {
			// A test that has ended does not handle this rejection, which would end the process.
			promise.catch(() => {});
			reject(new Error('The connection is closed'));
		}
		pending.clear();
		receiver.onClose();
	};
	const send = (frame: object) => receiver.receive(stringify(frame) as string);

	function request(key: string, frame: object): Promise<unknown> {
		if (transport.closed) return Promise.reject(new Error('The connection is closed'));
		let settlers: Pick<PendingRequest, 'resolve' | 'reject'> | undefined;
		const promise = new Promise<unknown>((resolve, reject) => {
			settlers = { resolve, reject };
		});
		pending.set(key, { ...(settlers as unknown as PendingRequest), promise, site: callSite(request) });
		sending = key;
		try {
			send(frame);
		} catch (error) {
			// An argument cannot be encoded.
			fail(key, error as Error);
		}
		sending = '';
		return promise;
	}

	/** Ends a request that cannot be sent or is malformed. */
	function fail(key: string, error: Error): void {
		const waiting = pending.get(key);
		pending.delete(key);
		waiting?.reject(withCallSite(error, waiting.site) as Error);
	}

	/** Ends a request with its answer. */
	function settle(key: string, { id = '', error, result }: Frame): void {
		const waiting = pending.get(key);
		pending.delete(key);
		if (error) waiting?.reject(withCallSite(errorOf(error, id), waiting.site) as Error);
		else waiting?.resolve(result);
	}

	function errorOf({ error, reason, details }: NonNullable<Frame['error']>, id: string): Error {
		const received = new ClientError(error, reason, details);
		const cause = HAS_CAUSE.has(error) ? causeOf(session, id) : undefined;
		return cause === undefined ? received : withCause(received, cause);
	}

	function documentsOf(name: string): Map<string, Fields> {
		let documents = collections.get(name);
		if (!documents) {
			documents = new Map();
			collections.set(name, documents);
		}
		return documents;
	}

	function applyChange({ collection = '', id = '', fields = {}, cleared = [] }: Frame): void {
		const document = { ...documentsOf(collection).get(id), ...fields };
		for (const field of cleared) delete document[field];
		documentsOf(collection).set(id, document);
	}

	const handlers: Readonly<Record<string, (frame: Frame) => void>> = {
		connected(frame) {
			session = frame.session;
			settle('connect', frame);
		},
		ping: ({ id }) => send({ msg: 'pong', ...(id !== undefined && { id }) }),
		added: ({ collection = '', id = '', fields = {} }) => void documentsOf(collection).set(id, fields),
		changed: applyChange,
		removed: ({ collection = '', id = '' }) => void documentsOf(collection).delete(id),
		ready(frame) {
			for (const id of frame.subs ?? []) settle(`sub ${id}`, frame);
		},
		nosub(frame) {
			settle(`sub ${frame.id}`, frame);
			settle(`unsub ${frame.id}`, {});
		},
		result: (frame) => settleCall(frame.id ?? '', { result: frame }),
		updated({ methods = [] }) {
			for (const id of methods) settleCall(id, { isUpdated: true });
		},
		error: ({ reason = '' }) => fail(sending, new Error(`The server has refused the message: ${reason}`)),
	};

	/** A call is settled when both `result` and `updated` have arrived, in any order. */
	function settleCall(id: string, message: { result?: Frame; isUpdated?: boolean }): void {
		const { result, isUpdated } = { ...calls.get(id), ...message };
		calls.set(id, { result, isUpdated });
		if (!result || !isUpdated) return;
		calls.delete(id);
		settle(`method ${id}`, result);
	}

	await request('connect', { msg: 'connect', version: '1', support: ['1'] });
	return {
		frames,
		get isWaiting() {
			return pending.size > 0;
		},
		// Not async: `onClosed` handles the rejection of the promise in `pending`, not that of an async function's promise.
		call(name, ...params) {
			if (typeof name !== 'string') return refuse('The first argument of call is the name of a method');
			const id = String(++lastId);
			return holdProcess(`The call of '${name}'`, request(`method ${id}`, { msg: 'method', method: name, id, params }));
		},
		subscribe(name, ...params) {
			if (typeof name !== 'string') return refuse('The first argument of subscribe is the name of a publication');
			const id = String(++lastId);
			const answer = request(`sub ${id}`, { msg: 'sub', id, name, params });
			const promise = holdProcess(`The subscription to '${name}'`, answer).then(() => id);
			const waiting = pending.get(`sub ${id}`);
			if (waiting) waiting.promise = promise;
			return promise;
		},
		unsubscribe(id) {
			if (typeof id !== 'string') {
				return refuse('The argument of unsubscribe is the id of a subscription: what subscribe returns');
			}
			return request(`unsub ${id}`, { msg: 'unsub', id }) as Promise<void>;
		},
		documents: (collection) => Array.from(collections.get(collection) ?? [], ([_id, fields]) => ({ _id, ...fields })),
		close: () => transport.close(),
	};
}

function refuse(message: string): Promise<never> {
	return Promise.reject(new TypeError(message));
}
