/**
 * The interface of a connection to Rocket.Chat's broker, which passes events between the processes of Rocket.Chat (nodes).
 * `moleculer.ts` implements it.
 */
import type { Log } from '../../../shared/log.js';

/** Receives an event of another node. @param data what the node has sent, not yet checked */
export type OnBrokerEvent = (event: string, data: unknown) => void;

export interface BrokerOptions {
	/** Addresses of NATS servers, separated by commas. */
	readonly url: string;
	/** Only nodes of the same namespace exchange events. Rocket.Chat's setting is `MS_NAMESPACE`. */
	readonly namespace: string;
	/** The names of the events to receive. */
	readonly events: readonly string[];
	readonly onEvent: OnBrokerEvent;
	/** Called when a lost connection is restored. Events may have been missed meanwhile. */
	readonly onReconnect: () => void;
	readonly log: Log;
}

export interface Broker {
	/** Whether there is a connection now. */
	readonly isConnected: boolean;
	/** Number of other nodes. */
	readonly nodes: number;
	/** Sends an event to all other nodes that listen to it. */
	broadcast(event: string, args: readonly unknown[]): void;
	close(): Promise<void>;
}

/**
 * Opens a connection. Resolves even if the broker does not answer, and then connects later.
 * @throws StoreError if a package is missing
 */
export type OpenBroker = (options: BrokerOptions) => Promise<Broker>;
