/**
 * Joins the processes of a service: sends the events of this process to the others, and publishes theirs here. A
 * process that may have missed an event catches up (`catchUp.ts`).
 */
import type { EventPayloads } from '../../shared/events.js';
import { randomId } from '../../shared/ids.js';
import type { Log } from '../../shared/log.js';
import type { Bus } from './bus.js';
import type { CatchUp } from './catchUp.js';
import type { ChangedElsewhere } from './changedElsewhere.js';
import { type CatchUpReason, ClusterCounts } from './clusterCounts.js';
import type { Link } from './link.js';
import {
	type ClusterEvent,
	type ClusterMessage,
	decodeMessage,
	encodeMessage,
	eventOf,
	MAX_BYTES,
} from './messages.js';
import { createOutbox, type Outbox } from './outbox.js';
import type { PartHealth } from './partHealth.js';
import { Peers, SILENCE_MS } from './peers.js';

/** Time between two heartbeats, in ms. */
const HEARTBEAT_MS = 1000;

/** Delay of the answer to a new process, in ms. One answer serves all that connect within this time. */
const ANSWER_PAUSE_MS = 50;

export interface ClusterParts {
	readonly link: Link;
	readonly bus: Bus;
	readonly changedElsewhere: ChangedElsewhere;
	/** The caller closes it. */
	readonly catchUp: Pick<CatchUp, 'request' | 'isRunning' | 'onEnd'>;
	/** Ends the sessions of a user whose tokens are no longer stored. */
	checkTokens(userId: string): void;
	readonly health?: PartHealth | undefined;
	readonly counts?: ClusterCounts | undefined;
	readonly log: Log;
}

export interface Cluster {
	/**
	 * Catches up after `changedElsewhere` has dropped reports.
	 * @param since a time at which nothing had been missed yet, in ms since 1970
	 */
	catchUpAfterOverflow(since: number): void;
	close(): Promise<void>;
}

/** The process works alone until it is connected. */
export function joinCluster(parts: ClusterParts): Cluster {
	const { link, bus, changedElsewhere, catchUp, health, log } = parts;
	const counts = parts.counts ?? new ClusterCounts();
	const ownId = randomId();
	const peers = new Peers();
	let isConnected = false;
	/** Nothing was missed until this time, in ms since 1970. */
	let completeUntil = Date.now();
	let answerTimer: NodeJS.Timeout | undefined;
	let lastTick = performance.now();

	function send(data: Uint8Array): void {
		if (!isConnected) return;
		counts.sent++;
		link.send(data);
	}

	const maxMessageBytes = () => Math.min(link.maxBytes, MAX_BYTES);
	const outbox: Outbox = createOutbox({
		from: ownId,
		maxBytes: maxMessageBytes,
		send,
		onUnsendable(event) {
			const maxBytes = maxMessageBytes();
			const { type } = event;
			log.warn({ type, maxBytes }, 'An event cannot be sent, so other processes read again what they observe');
			if (type !== 'notify') return;
			const { stream } = event;
			// Events of streams are not stored, so other processes cannot read them later.
			log.error(
				{ stream, maxBytes },
				'An event of a stream is too large, nested too deep or no EJSON: readers at other processes do not receive it',
			);
		},
	});
	/**
	 * Sends the number of this process's last message with events. `hello` and `bye` are explained in `messages.ts`.
	 */
	const sendHeartbeat = (extra: { hello?: number; bye?: boolean } = {}) =>
		send(encodeMessage({ from: ownId, n: outbox.last, ...extra }));
	const stopForwarding = bus.forward((name, payload) => outbox.add(eventOf(name, payload)));

	/** @param since a time at which nothing had been missed yet, by `performance.now` */
	function startCatchUp(reason: 'gap' | 'vanished' | 'asked', since = performance.now()): void {
		const elapsed = performance.now() - since;
		catchUpSince(reason, Math.max(0, Date.now() - elapsed));
	}

	/** @param since as for `startCatchUp`, but in ms since 1970 */
	function catchUpSince(reason: CatchUpReason, since: number): void {
		counts.catchUps.add(reason);
		void catchUp.request(since);
		showHealth();
	}

	function showHealth(): void {
		if (!isConnected) return;
		if (!catchUp.isRunning) health?.ok();
		else health?.degraded('Connected; missed changes are being read');
	}
	catchUp.onEnd(showHealth);

	function deliver(event: ClusterEvent): void {
		counts.events++;
		switch (event.type) {
			case 'changed': {
				const { collection, id, action, last } = event;
				changedElsewhere.report(collection, id, { action, last: last && { ...last, _id: id } });
				return;
			}
			case 'notify':
				void bus.deliver('notify', event as EventPayloads['notify']);
				return;
			case 'tokens-removed':
				parts.checkTokens(event.userId);
				return;
			case 'look-again':
				startCatchUp('asked');
		}
	}

	function askForMissing(): void {
		for (const ask of peers.missingToAskFor(performance.now()))
			send(encodeMessage({ from: ownId, n: outbox.last, ask }));
	}

	function receive(message: ClusterMessage): void {
		const { from: sender, n, events, invalid } = message;
		if (sender === ownId) return;
		if (message.bye) {
			const missesMessages = peers.remove(sender);
			if (missesMessages) startCatchUp('gap');
			return;
		}
		const { isNew, isGap, missedSince } = peers.noteMessage(
			sender,
			n,
			events !== undefined,
			performance.now(),
			message.hello,
		);
		counts.dropped.add('invalid', invalid);
		if (isNew) for (const event of events ?? []) deliver(event);
		if (isGap) {
			askForMissing();
			startCatchUp('gap', missedSince);
		}
		if (message.ask?.of === ownId) counts.resent += outbox.resend(message.ask.missing);
		if (message.hello !== undefined) {
			answerTimer ??= setTimeout(() => {
				answerTimer = undefined;
				sendHeartbeat();
			}, ANSWER_PAUSE_MS).unref();
		}
	}

	const heartbeatTimer = setInterval(() => {
		const now = performance.now();
		// After a busy time, messages may still wait to be read, so no process counts as silent.
		const wasBusy = now - lastTick > 2 * HEARTBEAT_MS;
		lastTick = now;
		if (!isConnected) return;
		sendHeartbeat();
		askForMissing();
		if (wasBusy) return;
		const lastSeenTimes = peers.removeSilent(now);
		if (lastSeenTimes.length > 0) startCatchUp('vanished', Math.min(...lastSeenTimes));
	}, HEARTBEAT_MS);
	heartbeatTimer.unref();

	health?.degraded('Not connected to other processes yet');
	health?.details(() => ({ connected: isConnected, processes: peers.size + 1 }));
	counts.observe({ connected: () => isConnected, peers: () => peers.size });
	link.start({
		onMessage(data) {
			counts.received++;
			const message = decodeMessage(data);
			if (message) receive(message);
			else counts.dropped.add('unreadable');
		},
		onConnect() {
			isConnected = true;
			log.info({ peers: peers.size }, 'Connected to other processes');
			peers.noteOwnConnection(performance.now());
			sendHeartbeat({ hello: Math.max(0, Date.now() - completeUntil) });
			catchUpSince('connected', completeUntil);
		},
		onDisconnect(reason) {
			// The pings of `nats.ts` notice a lost connection up to 6 s late.
			if (isConnected) completeUntil = Date.now() - 2 * SILENCE_MS;
			isConnected = false;
			health?.degraded(`Not connected to other processes: ${reason}`);
		},
	});

	return {
		catchUpAfterOverflow: (since) => catchUpSince('overflow', since),
		async close() {
			stopForwarding();
			clearInterval(heartbeatTimer);
			clearTimeout(answerTimer);
			outbox.flush();
			sendHeartbeat({ bye: true });
			await link.close();
			isConnected = false;
		},
	};
}
