/** What is counted. Values are read when metrics are scraped. */

import type { LoginLane } from '../../shared/context.js';
import type { TransportKind } from '../core/caller.js';
import { Counts } from '../core/counts.js';
import {
	type CallOutcome,
	CONNECTION_REFUSALS,
	type ConnectionRefusal,
	type EndedCall,
	type LimitKind,
	OUTCOMES,
	type ServerObserver,
	type WrongToken,
} from '../core/observer.js';
import { Durations } from './durations.js';

/** The calls of one method over one transport. */
class CallCounts {
	readonly durations = new Durations();
	readonly outcomes = new Counts<CallOutcome>();

	add(outcome: CallOutcome, ms: number): void {
		this.durations.add(ms);
		this.outcomes.add(outcome);
	}
}

/** The operations of a store on one collection. */
class OperationCounts {
	readonly durations = new Durations();
	failures = 0;

	add(ms: number, failed: boolean): void {
		this.durations.add(ms);
		if (failed) this.failures++;
	}
}

const LOGIN_LANES = ['password', 'token'] as const satisfies readonly LoginLane[];

/** The method whose outcomes are also counted by themselves. */
const LOGIN = 'login';

const KEY_EVENTS = [
	'room_key_set',
	'room_key_reset',
	'offered',
	'accepted',
	'withdrawn',
	'stored',
	'removed',
	'identity_set',
	'identity_removed',
] as const;
export type KeyEvent = (typeof KEY_EVENTS)[number];

export const EVENTS = ['changed', 'notify', 'tokens-removed'] as const;

/** The transports of connections. */
export const SOCKETS = ['websocket', 'sockjs-websocket', 'sockjs-polling'] as const satisfies readonly TransportKind[];

/** All counters of a server. */
export class Counters implements ServerObserver {
	readonly connections = new Counts<TransportKind>(SOCKETS);
	readonly refusedConnections = new Counts<ConnectionRefusal>(CONNECTION_REFUSALS);
	readonly logins = new Counts<CallOutcome>(OUTCOMES);
	readonly limits = new Counts<`${LimitKind} ${boolean}`>();
	readonly replays = new Counts<string>();
	readonly events = new Counts<(typeof EVENTS)[number]>(EVENTS);
	readonly keys = new Counts<KeyEvent>(KEY_EVENTS);
	readonly wrongTokens = new Counts<WrongToken['reason']>(['unknown', 'expired']);
	readonly refusedLogins = new Counts<LoginLane>(LOGIN_LANES);
	readonly waitingLogins = new Map<LoginLane, number>(LOGIN_LANES.map((lane) => [lane, 0]));
	heldConnections = 0;
	waitingConnections = 0;
	pauses = 0;
	overflows = 0;
	streamEvents = 0;
	streamDeliveries = 0;
	/** By method, then by transport. */
	readonly calls = new Map<string, Map<TransportKind, CallCounts>>();
	/** By collection, then by operation. */
	readonly operations = new Map<string, Map<string, OperationCounts>>();

	readonly onCall = ({ method, caller: { transport = 'program' }, outcome, ms }: EndedCall): void => {
		entryOf(this.calls, method, transport, () => new CallCounts()).add(outcome, ms);
		if (method === LOGIN) this.logins.add(outcome);
	};

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

	/** The counter of an operation of the store. */
	operation(collection: string, operation: string): OperationCounts {
		return entryOf(this.operations, collection, operation, () => new OperationCounts());
	}
}

/** The entry for two keys. It is made when it is first asked for. */
function entryOf<K, L, V>(entries: Map<K, Map<L, V>>, first: K, second: L, make: () => V): V {
	let ofFirst = entries.get(first);
	if (!ofFirst) {
		ofFirst = new Map();
		entries.set(first, ofFirst);
	}
	let entry = ofFirst.get(second);
	if (!entry) {
		entry = make();
		ofFirst.set(second, entry);
	}
	return entry;
}
