/** Joins Rocket.Chat's broker: announces what this process publishes, and receives what other nodes publish. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventName, EventPayloads } from '../../../shared/events.js';
import type { Log } from '../../../shared/log.js';
import type { Store } from '../../../shared/store.js';
import type { PartHealth } from '../partHealth.js';
import { announcementOf } from './announce.js';
import type { OpenBroker } from './broker.js';
import { RECEIVED_EVENTS, type ReceiverParts, receive } from './receive.js';

/** Maximum number of events that wait to be announced. */
const MAX_WAITING = 10_000;

/** The collections whose writes Rocket.Chat announces. */
const COLLECTIONS = ['rooms', 'subscriptions', 'users', 'settings', 'permissions', 'roles'] as const;

/** Time between two checks of the connection, in ms. */
const CHECK_INTERVAL_MS = 1000;

/** How long `close` waits until the last events are announced, in ms. */
const MAX_LAST_MS = 1000;

export interface RocketChatParts extends ReceiverParts {
	readonly url: string;
	readonly namespace: string;
	readonly store: Store;
	readonly log: Log;
	readonly health: PartHealth;
	/** Reads the observed documents of a collection again. */
	refreshCollection(collection: string): void;
	readonly open: OpenBroker;
}

export interface RocketChat {
	close(): Promise<void>;
}

/** Connects to the broker. @throws StoreError if a package is missing */
export async function joinRocketChat(parts: RocketChatParts): Promise<RocketChat> {
	const { bus, store, log, health, namespace } = parts;
	let malformed = 0;
	/** Events that were not announced because too many waited. */
	let dropped = 0;
	const broker = await parts.open({
		url: parts.url,
		namespace,
		events: RECEIVED_EVENTS,
		onEvent(event, data) {
			const isWellFormed = receive(event, data, parts);
			if (isWellFormed) return;
			if (malformed++ === 0) log.warn({ event }, "An event of Rocket.Chat's broker does not have the expected form");
		},
		onReconnect() {
			for (const collection of COLLECTIONS) parts.refreshCollection(collection);
		},
		log,
	});

	const waiting: [EventName, EventPayloads[EventName]][] = [];
	let announcing: Promise<void> | undefined;

	async function announceWaiting(): Promise<void> {
		for (let next = waiting.shift(); next; next = waiting.shift()) {
			try {
				const announcement = await announcementOf(...next, store);
				if (announcement) broker.broadcast(announcement[0], announcement.slice(1));
			} catch (err) {
				log.warn({ err, event: next[0] }, 'An event could not be announced to Rocket.Chat');
			}
		}
		announcing = undefined;
	}

	// Received events are not forwarded, so nodes do not announce them to each other for ever.
	const stopForwarding = bus.forward((name, payload) => {
		if (!broker.isConnected) return;
		if (waiting.length >= MAX_WAITING) {
			if (dropped++ === 0) log.warn({}, 'Too many events wait to be announced to Rocket.Chat: some are left out');
			return;
		}
		waiting.push([name, payload]);
		announcing ??= announceWaiting();
	});

	health.details(() => ({ namespace, nodes: broker.nodes, malformed, dropped }));
	const check = () => {
		if (broker.isConnected) health.ok();
		else health.degraded("There is no connection to Rocket.Chat's broker");
	};
	check();
	const timer = setInterval(check, CHECK_INTERVAL_MS);
	timer.unref();
	return {
		async close() {
			clearInterval(timer);
			stopForwarding();
			await Promise.race([announcing, delay(MAX_LAST_MS, undefined, { ref: false })]);
			waiting.length = 0;
			await broker.close();
		},
	};
}
