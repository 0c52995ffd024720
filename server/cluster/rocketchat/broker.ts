/** A connection to Rocket.Chat's broker. Its protocol is in a file of its own, so that it can be replaced. */
import type { Log } from '../../../shared/log.js';

/** Receives an event of another node. @param data what it sent, not yet checked */
export type OnBrokerEvent = (event: string, data: unknown) => void;

export interface BrokerOptions {
	/** Addresses of NATS servers, with commas. */
	readonly url: string;
	/** Nodes of other namespaces neither send events to this one nor receive any. Rocket.Chat's setting is `MS_NAMESPACE`. */
	readonly namespace: string;
	/** The names of the events to receive. */
	readonly events: readonly string[];
	readonly onEvent: OnBrokerEvent;
	/** Called when the connection exists again, after events may have been missed. */
	readonly onReconnect: () => void;
	readonly log: Log;
}

export interface Broker {
	/** Whether there is a connection now. */
	readonly isConnected: boolean;
	/** Number of other nodes. */
	readonly nodes: number;
	/** Sends an event to all other nodes that receive it. */
	broadcast(event: string, args: readonly unknown[]): void;
	close(): Promise<void>;
}

/** Opens a connection. It resolves also while there is no broker, and connects later. @throws StoreError if a package is missing */
export type OpenBroker = (options: BrokerOptions) => Promise<Broker>;
