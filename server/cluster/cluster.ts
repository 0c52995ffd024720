/**
 * Joins the processes of a service: sends them what this process publishes, and publishes here what they send. A
 * process that may have missed something looks at everything again.
 */
import type { EventPayloads } from '../../shared/events.js';
import { randomId } from '../../shared/ids.js';
import type { Log } from '../../shared/log.js';
import type { Bus } from './bus.js';
import type { CatchUp } from './catchUp.js';
import type { ChangedElsewhere } from './changedElsewhere.js';
import { ClusterCounts } from './clusterCounts.js';
import type { Link } from './link.js';
import { type ClusterEvent, type ClusterMessage, decodeMessage, encodeMessage, eventOf } from './messages.js';
import { createOutbox, type Outbox } from './outbox.js';
import type { PartHealth } from './partHealth.js';
import { Peers, SILENCE_MS } from './peers.js';

/** Time between two heartbeats, in ms. */
const HEARTBEAT_MS = 1000;

/** Time before processes that have just connected are answered, in ms: one answer serves all that connect at once. */
const ANSWER_PAUSE_MS = 50;

export interface ClusterParts {
	readonly link: Link;
	readonly bus: Bus;
	readonly changedElsewhere: ChangedElsewhere;
	readonly catchUp: CatchUp;
	/** Ends the sessions of a user whose tokens are no longer stored. */
	checkTokens(userId: string): void;
	readonly health?: PartHealth | undefined;
	readonly counts?: ClusterCounts | undefined;
	readonly log: Log;
}

export interface Cluster {
	/** Reads everything again, because reports of documents that others have written were dropped. */
	lookAgain(): void;
	/** Resolves when everything that may have been missed has been looked at. */
	settled(): Promise<void>;
	close(): Promise<void>;
}

/** Joins this process to the others of its service. It works alone until it is connected. */
export function joinCluster(parts: ClusterParts): Cluster {
	const { link, bus, changedElsewhere, catchUp, health, log } = parts;
	const counts = parts.counts ?? new ClusterCounts();
	const from = randomId();
	const peers = new Peers();
	let isConnected = false;
	/** A time until which certainly nothing was missed, in ms since 1970. */
	let disconnectedAt = Date.now();
	let answerTimer: NodeJS.Timeout | undefined;
	let lastTick = performance.now();

	function send(data: Uint8Array): void {
		if (!isConnected) return;
		counts.sent++;
		link.send(data);
	}

	const outbox: Outbox = createOutbox({
		from,
		maxBytes: () => link.maxBytes,
		send,
		onTooLarge(event) {
			const { maxBytes } = link;
			const { type } = event;
			log.warn({ type, maxBytes }, 'An event is too large for other processes, which look again');
			if (type !== 'notify') return;
			const { stream } = event;
			// Events of streams are stored nowhere, so nothing that the others look at contains this one.
			log.error(
				{ stream, maxBytes },
				'An event of a stream is too large: readers at other processes do not receive it',
			);
		},
	});
	const sendHeartbeat = (more: { hello?: number; bye?: boolean } = {}) =>
		send(encodeMessage({ from, n: outbox.last, ...more }));
	const stopForwarding = bus.forward((name, payload) => outbox.add(eventOf(name, payload)));

	/** Looks at everything again. @param since by `performance.now`: when nothing had been missed yet */
	function lookAgain(reason: 'gap' | 'vanished' | 'asked' | 'overflow', since = performance.now()): void {
		counts.catchUps.add(reason);
		void catchUp.request(Math.max(0, Date.now() - (performance.now() - since)));
		showHealth();
	}

	function showHealth(): void {
		if (!isConnected) return;
		if (!catchUp.isRunning) health?.ok();
		else health?.degraded('Connected; what was missed is being looked up');
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
				lookAgain('asked');
		}
	}

	function askForMissing(): void {
		for (const ask of peers.missing(performance.now())) send(encodeMessage({ from, n: outbox.last, ask }));
	}

	function receive(message: ClusterMessage): void {
		const { from: sender, n, events, invalid } = message;
		if (sender === from) return;
		if (message.bye) {
			if (peers.left(sender)) lookAgain('gap');
			return;
		}
		const { isNew, isGap, seenAt } = peers.arrived(sender, n, events !== undefined, performance.now(), message.hello);
		counts.dropped.add('invalid', invalid);
		if (isNew) for (const event of events ?? []) deliver(event);
		if (isGap) {
			askForMissing();
			lookAgain('gap', seenAt);
		}
		if (message.ask?.of === from) counts.resent += outbox.resend(message.ask.missing);
		if (message.hello !== undefined) {
			answerTimer ??= setTimeout(() => {
				answerTimer = undefined;
				sendHeartbeat();
			}, ANSWER_PAUSE_MS).unref();
		}
	}

	const heartbeatTimer = setInterval(() => {
		const now = performance.now();
		// If this process was busy, messages of the others may wait to be read, so they do not count as silent.
		const wasBusy = now - lastTick > 2 * HEARTBEAT_MS;
		lastTick = now;
		if (!isConnected) return;
		sendHeartbeat();
		askForMissing();
		if (wasBusy) return;
		const gone = peers.removeSilent(now);
		if (gone.length > 0) lookAgain('vanished', Math.min(...gone));
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
			peers.connected(performance.now());
			sendHeartbeat({ hello: Math.max(0, Date.now() - disconnectedAt) });
			counts.catchUps.add('connected');
			void catchUp.request(disconnectedAt);
			showHealth();
		},
		onDisconnect(reason) {
			// A lost connection is noticed late, so messages may have been missed before.
			if (isConnected) disconnectedAt = Date.now() - 2 * SILENCE_MS;
			isConnected = false;
			health?.degraded(`Not connected to other processes: ${reason}`);
		},
	});

	return {
		lookAgain: () => lookAgain('overflow'),
		settled: () => catchUp.settled(),
		async close() {
			stopForwarding();
			clearInterval(heartbeatTimer);
			clearTimeout(answerTimer);
			outbox.flush();
			sendHeartbeat({ bye: true });
			await link.close();
			isConnected = false;
			await catchUp.close();
		},
	};
}
