/** Runs cases against a server at an address. */
import { randomInt } from 'node:crypto';
import type { Case, Feature, Handshake, HttpRequest, Json, Level, Step } from './cases.js';
import { LEVELS, loadCases } from './cases.js';
import { type Closed, type Connection, openConnection } from './connection.js';
import { type Bindings, difference, fill, fillText } from './match.js';

export interface ConformanceOptions {
	/** Default: all. */
	readonly cases?: readonly Case[];
	/** `sockjs`: cases without a path of their own run over SockJS frames on a WebSocket. Default `websocket`. */
	readonly transport?: 'websocket' | 'sockjs';
	/** Features that the server lacks. Default: none. */
	readonly without?: readonly Feature[];
	/** Default: all. */
	readonly levels?: readonly Level[];
	/** How long the runner waits for each message, in ms. Default 5,000. */
	readonly timeout?: number;
	/** Cases that run at the same time. Default 8. */
	readonly concurrency?: number;
	/** Receives each result as soon as it is there. */
	readonly onResult?: (result: CaseResult) => void;
}

export interface CaseResult {
	readonly case: Case;
	/** `skipped`: the run leaves out its level, or a feature that it needs. */
	readonly status: 'passed' | 'failed' | 'skipped';
	/** Why the case failed. */
	readonly problem?: string;
	/** The frames of a case that failed, by connection. */
	readonly transcript?: Readonly<Record<string, readonly string[]>>;
}

export interface ConformanceReport {
	readonly results: readonly CaseResult[];
	readonly passed: number;
	readonly failed: number;
	readonly skipped: number;
}

/**
 * Runs the suite against a server that supplies the methods and publications of README.md of this folder.
 * @param url such as `ws://127.0.0.1:3000/websocket`
 */
export async function runConformance(url: string, options: ConformanceOptions = {}): Promise<ConformanceReport> {
	const { cases = loadCases(), without = [], levels = LEVELS, concurrency = 8 } = options;
	const results: CaseResult[] = [];
	const waiting = cases.entries();
	async function work(): Promise<void> {
		for (const [i, testCase] of waiting) {
			const needed = [
				...(testCase.needs ?? []),
				...(testCase.path?.startsWith('/sockjs') ? (['sockjs'] as const) : []),
			];
			const isSkipped = !levels.includes(testCase.level) || needed.some((feature) => without.includes(feature));
			const result: CaseResult = isSkipped
				? { case: testCase, status: 'skipped' }
				: await runCase(url, testCase, options);
			results[i] = result;
			options.onResult?.(result);
		}
	}
	await Promise.all(Array.from({ length: concurrency }, work));
	const count = (status: CaseResult['status']) => results.filter((result) => result.status === status).length;
	return { results, passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** Runs one case, on connections of its own. */
export async function runCase(url: string, testCase: Case, options: ConformanceOptions = {}): Promise<CaseResult> {
	const run = new CaseRun(url, testCase, options);
	try {
		await run.run();
		return { case: testCase, status: 'passed' };
	} catch (error) {
		return { case: testCase, status: 'failed', problem: (error as Error).message, transcript: run.transcript };
	} finally {
		run.end();
	}
}

/** Sent when nothing more is expected. Surplus messages of the server arrive before the answer. */
const LAST_CALL = { msg: 'method', id: 'conformance-quiet', method: 'conformance.echo', params: ['quiet'] };
const LAST_PING = { msg: 'ping', id: 'conformance-quiet' };

class CaseRun {
	readonly #bindings: Bindings = new Map();
	readonly #connections = new Map<string, Connection>();
	/** Messages that were received but not yet compared. */
	readonly #pending = new Map<Connection, Record<string, unknown>[]>();
	readonly #ended = new Set<string>();
	readonly #timeout: number;

	constructor(
		private readonly url: string,
		private readonly testCase: Case,
		private readonly options: ConformanceOptions,
	) {
		this.#timeout = options.timeout ?? 5000;
	}

	get transcript(): Record<string, readonly string[]> {
		return Object.fromEntries([...this.#connections].map(([name, { transcript }]) => [name, transcript]));
	}

	async run(): Promise<void> {
		for (const [i, step] of this.testCase.steps.entries()) {
			try {
				await this.#make(step);
			} catch (error) {
				throw new Error(`step ${i + 1}: ${(error as Error).message}`);
			}
		}
		if (this.testCase.open || this.testCase.connect === false) return;
		for (const [name, connection] of this.#connections) {
			if (!this.#ended.has(name)) await this.#expectQuiet(connection, 'method');
		}
	}

	end(): void {
		for (const connection of this.#connections.values()) connection.terminate();
	}

	async #make(step: Step): Promise<void> {
		if ('http' in step) return this.#request(step.http, step.answer);
		const { on = 'a' } = step;
		const connection = this.#connections.get(on) ?? (await this.#open(on));
		if ('send' in step) connection.send(JSON.stringify(fill(step.send, this.#bindings)));
		else if ('sendText' in step) connection.send(fillText(step.sendText, this.#bindings));
		else if ('sendBinary' in step) connection.sendFrame(Buffer.from(step.sendBinary));
		else if ('sendFrame' in step) connection.sendFrame(fillText(step.sendFrame, this.#bindings));
		else if ('receive' in step) this.#mustEqual(step.receive, await this.#next(connection));
		else if ('receiveAll' in step) await this.#receiveAll(connection, step.receiveAll);
		else if ('receiveFrame' in step) this.#mustEqual(step.receiveFrame, await connection.next(this.#timeout));
		else if ('quiet' in step) await this.#expectQuiet(connection, step.quiet);
		else if ('close' in step) {
			this.#ended.add(on);
			connection.close();
		} else await this.#expectClosed(connection, on, step.closed);
	}

	async #open(name: string): Promise<Connection> {
		const { path, connect = '1' } = this.testCase;
		const base = this.url.replace(/\/(websocket|sockjs\/websocket)$/, '');
		const overSockJs = path === undefined && this.options.transport === 'sockjs';
		const session = `/sockjs/${randomInt(100, 999)}/<session_${name}>/websocket`;
		const given = path ?? (overSockJs ? session : undefined);
		const url = given === undefined ? this.url : base + fillText(given, this.#bindings);
		const connection = await openConnection(url, overSockJs ? 'sockjs' : 'none', this.#timeout);
		this.#connections.set(name, connection);
		if (connect !== false) await this.#connect(connection, connect);
		return connection;
	}

	async #connect(connection: Connection, version: Exclude<Handshake, false>): Promise<void> {
		connection.send(JSON.stringify({ msg: 'connect', version, support: [version] }));
		const answer = await this.#next(connection);
		this.#mustEqual({ msg: 'connected', session: { '?': 'string' } }, answer);
	}

	/** The next message. Answers pings of the server, unless the case needs `heartbeat`. */
	async #next(connection: Connection): Promise<Record<string, unknown>> {
		const pending = this.#pending.get(connection) ?? [];
		const arrived = pending.shift();
		if (arrived) return arrived;
		for (;;) {
			const text = await connection.next(this.#timeout);
			if (typeof text !== 'string') throw new Error(`the connection has closed: ${JSON.stringify(text)}`);
			const message = JSON.parse(text) as Record<string, unknown>;
			// Old servers of Meteor send this first.
			if (Object.keys(message).join() === 'server_id') continue;
			if (message.msg === 'ping' && !this.testCase.needs?.includes('heartbeat')) {
				connection.send(JSON.stringify({ ...message, msg: 'pong' }));
				continue;
			}
			const [first, ...others] = takeApart(message);
			if (first === undefined) throw new Error(`${text} names no call and no subscription`);
			this.#pending.set(connection, others);
			return first;
		}
	}

	#mustEqual(expected: Json, actual: unknown): void {
		const found = difference(expected, actual, this.#bindings);
		if (found === undefined) return;
		throw new Error(`${found} (expected ${JSON.stringify(expected)}, received ${JSON.stringify(actual)})`);
	}

	/** Receives the messages of all entries. If an entry is a list, its messages must arrive in the order of the list. */
	async #receiveAll(connection: Connection, entries: readonly Json[]): Promise<void> {
		let lists = entries.map((entry) => (Array.isArray(entry) ? (entry as Json[]) : [entry]));
		lists = lists.filter((list) => list.length > 0);
		while (lists.length > 0) {
			const message = await this.#next(connection);
			const problems: string[] = [];
			const found = lists.findIndex(([expected]) => {
				// A comparison that fails must not keep the values of holes.
				const bindings = new Map(this.#bindings);
				const problem = difference(expected as Json, message, bindings);
				if (problem === undefined) for (const [name, value] of bindings) this.#bindings.set(name, value);
				else problems.push(problem);
				return problem === undefined;
			});
			if (found < 0) {
				const heads = lists.map(([expected]) => JSON.stringify(expected)).join(' or ');
				throw new Error(`expected ${heads}, received ${JSON.stringify(message)} (${problems.join('; ')})`);
			}
			lists[found] = lists[found]?.slice(1) ?? [];
			lists = lists.filter((list) => list.length > 0);
		}
	}

	/** Sends a call or a ping. @throws Error if anything else arrives before the answer */
	async #expectQuiet(connection: Connection, by: 'method' | 'ping'): Promise<void> {
		if (by === 'ping') {
			connection.send(JSON.stringify(LAST_PING));
			const answer = await this.#next(connection);
			if (answer.msg !== 'pong') throw new Error(`nothing more is expected, received ${JSON.stringify(answer)}`);
			return this.#mustEqual({ msg: 'pong', id: LAST_PING.id }, answer);
		}
		connection.send(JSON.stringify(LAST_CALL));
		await this.#receiveAll(connection, [
			{ msg: 'updated', methods: [LAST_CALL.id] },
			{ msg: 'result', id: LAST_CALL.id, result: 'quiet' },
		]);
	}

	async #expectClosed(connection: Connection, name: string, expected: Json): Promise<void> {
		this.#ended.add(name);
		if ((this.#pending.get(connection) ?? []).length > 0) throw new Error('more has arrived than is expected');
		const next: string | Closed = await connection.next(this.#timeout);
		this.#mustEqual(expected, next);
	}

	async #request(request: HttpRequest, expected: Json): Promise<void> {
		const base = this.url.replace(/^ws/, 'http').replace(/\/(websocket|sockjs\/websocket)$/, '');
		const response = await fetch(base + fillText(request.path, this.#bindings), {
			method: request.method,
			redirect: 'manual',
			signal: AbortSignal.timeout(this.#timeout),
			...(request.headers && { headers: request.headers }),
			...(request.body !== undefined && { body: fillText(request.body, this.#bindings) }),
		});
		const body = await response.text();
		const isJson = response.headers.get('content-type')?.startsWith('application/json');
		const headers = Object.fromEntries(response.headers);
		this.#mustEqual(expected, { status: response.status, headers, body: isJson ? JSON.parse(body) : body });
	}
}

/** Makes one message for each id of an `updated` or `ready`. A server may name several ids in one message. */
function takeApart(message: Record<string, unknown>): Record<string, unknown>[] {
	const member = { updated: 'methods', ready: 'subs' }[String(message.msg)];
	const ids = member === undefined ? undefined : message[member];
	if (member === undefined || !Array.isArray(ids)) return [message];
	return ids.map((id) => ({ ...message, [member]: [id] }));
}
