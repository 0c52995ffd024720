import type { LoginLane } from '../../shared/context.js';
import { type CollectionObserver, OPERATIONS, type Operation, type StoreObserver } from '../../shared/storeObserver.js';
import type { TransportKind } from '../core/caller.js';
import { Counts } from '../core/counts.js';
import {
	type CallCounter,
	type CallObserver,
	type CallOutcome,
	CONNECTION_REFUSALS,
	type ConnectionRefusal,
	type LimitKind,
	OUTCOMES,
	type ServerObserver,
	type WrongToken,
} from '../core/observer.js';
import { Durations } from './durations.js';
import { KEY_EVENTS, type KeyEvent, keyEventsOfUpdate } from './keyEvents.js';

class TransportCalls {
	readonly durations = new Durations();
	/** Number of calls with each outcome, in the order of `OUTCOMES`. */
	readonly #outcomes = new Float64Array(OUTCOMES.length);

	add(outcome: CallOutcome, ms: number): void {
		this.durations.add(ms);
		// Most calls end with `ok`, the first outcome.
		const index = outcome === 'ok' ? 0 : OUTCOMES.indexOf(outcome);
		(this.#outcomes[index] as number)++;
	}

	*outcomes(): Iterable<[CallOutcome, number]> {
		for (const [i, outcome] of OUTCOMES.entries()) {
			const count = this.#outcomes[i] as number;
			if (count > 0) yield [outcome, count];
		}
	}
}

class MethodCalls implements CallCounter {
	readonly byTransport: Partial<Record<TransportKind, TransportCalls>> = {};

	add(transport: TransportKind, outcome: CallOutcome, ms: number): void {
		let calls = this.byTransport[transport];
		if (!calls) {
			calls = new TransportCalls();
			this.byTransport[transport] = calls;
		}
		calls.add(outcome, ms);
	}
}

class OperationCounts {
	readonly durations = new Durations();
	failures = 0;

	add(ms: number, hasFailed: boolean): void {
		this.durations.add(ms);
		if (hasFailed) this.failures++;
	}
}

/** The queues of logins, called lanes. */
const LOGIN_LANES = ['password', 'token'] as const satisfies readonly LoginLane[];

const LOGIN = 'login';

/** The events of the bus that are counted. */
export const EVENTS = ['changed', 'notify', 'tokens-removed'] as const;

export const CONNECTION_TRANSPORTS = [
	'websocket',
	'sockjs-websocket',
	'sockjs-polling',
] as const satisfies readonly TransportKind[];

/** The counters of a server, which the metrics show. */
export class Counters implements ServerObserver, StoreObserver {
	readonly connections = new Counts<TransportKind>(CONNECTION_TRANSPORTS);
	readonly refusedConnections = new Counts<ConnectionRefusal>(CONNECTION_REFUSALS);
	/** Requests beyond a limit, by the kind of limit and whether they were refused. */
	readonly limits = new Counts<`${LimitKind} ${boolean}`>();
	/** Repeated calls that received the first result, by method. */
	readonly replays = new Counts<string>();
	readonly events = new Counts<(typeof EVENTS)[number]>(EVENTS);
	readonly keys = new Counts<KeyEvent>(KEY_EVENTS);
	readonly wrongTokens = new Counts<WrongToken['reason']>(['unknown', 'expired']);
	readonly refusedLogins = new Counts<LoginLane>(LOGIN_LANES);
	readonly waitingLogins = new Map<LoginLane, number>(LOGIN_LANES.map((lane) => [lane, 0]));
	/** New connections that had to wait. */
	heldConnections = 0;
	/** New connections that wait now. */
	waitingConnections = 0;
	/** How often reading from a client was paused. */
	pauses = 0;
	/** Clients that were disconnected because they did not read. */
	overflows = 0;
	/** Events of streams that were sent. */
	streamEvents = 0;
	/** Events of streams, counted once for each client that received the event. */
	streamDeliveries = 0;
	readonly #calls = new Map<string, MethodCalls>();
	/** The operations of the store, by collection and then by operation. */
	readonly operations = new Map<string, Readonly<Record<Operation, OperationCounts>>>();

	observeCalls(method: string): CallObserver {
		let counter = this.#calls.get(method);
		if (!counter) {
			counter = new MethodCalls();
			this.#calls.set(method, counter);
		}
		return { counter };
	}

	*calls(): Iterable<{ method: string; transport: string; calls: TransportCalls }> {
		for (const [method, { byTransport }] of this.#calls)
			for (const [transport, calls] of Object.entries(byTransport)) yield { method, transport, calls };
	}

	logins(): Counts<CallOutcome> {
		const logins = new Counts<CallOutcome>(OUTCOMES);
		for (const calls of Object.values(this.#calls.get(LOGIN)?.byTransport ?? {}))
			for (const [outcome, count] of calls.outcomes()) logins.add(outcome, count);
		return logins;
	}

	onReplay(method: string): void {
		this.replays.add(method);
	}

	onLimit(kind: LimitKind, refused: boolean): void {
		this.limits.add(`${kind} ${refused}`);
	}

	onConnection(transport: TransportKind): void {
		this.connections.add(transport);
	}

	onConnectionRefused(reason: ConnectionRefusal): void {
		this.refusedConnections.add(reason);
	}

	onConnectionHeld(): void {
		this.heldConnections++;
	}

	onWaitingConnections(count: number): void {
		this.waitingConnections = count;
	}

	onLoginRefused(lane: LoginLane): void {
		this.refusedLogins.add(lane);
	}

	onWaitingLogins(lane: LoginLane, count: number): void {
		this.waitingLogins.set(lane, count);
	}

	onWrongToken({ reason }: WrongToken): void {
		this.wrongTokens.add(reason);
	}

	onPause(): void {
		this.pauses++;
	}

	onOverflow(): void {
		this.overflows++;
	}

	onStreamEvent(readers: number): void {
		this.streamEvents++;
		this.streamDeliveries += readers;
	}

	observeCollection(collection: string): CollectionObserver {
		const counters = Object.fromEntries(OPERATIONS.map((operation) => [operation, new OperationCounts()])) as Record<
			Operation,
			OperationCounts
		>;
		this.operations.set(collection, counters);
		return {
			begin: () => performance.now(),
			end: (operation, begun, failure) =>
				counters[operation].add(performance.now() - (begun as number), failure !== undefined),
			onFindOneAndUpdate: (update) => {
				for (const event of keyEventsOfUpdate(collection, update)) this.keys.add(event);
			},
		};
	}
}
