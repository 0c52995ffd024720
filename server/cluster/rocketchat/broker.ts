/** A connection to Rocket.Chat's broker, which passes events between processes of Rocket.Chat (nodes). */
import type { Log } from '../../../shared/log.js';

/** @param data what another node has sent, not yet checked */
export type OnBrokerEvent = (event: string, data: unknown) => void;

export interface BrokerOptions {
	/** Addresses of NATS servers, separated by commas. */
	readonly url: string;
	/** Only nodes of one namespace exchange events. Rocket.Chat's setting is `MS_NAMESPACE`. */
	readonly namespace: string;
	readonly events: readonly string[];
	readonly onEvent: OnBrokerEvent;
	/** A lost connection is restored. Events may have been missed. */
	readonly onReconnect: () => void;
	readonly log: Log;
}

export interface Broker {
	readonly isConnected: boolean;
	/** Number of other nodes. */
	readonly nodes: number;
	/** Sends an event to all other nodes that listen to it. */
	broadcast(event: string, args: readonly unknown[]): void;
	close(): Promise<void>;
}

/** Opens a connection. Resolves even if the broker does not answer yet. @throws StoreError if a package is missing */
export type OpenBroker = (options: BrokerOptions) => Promise<Broker>;
