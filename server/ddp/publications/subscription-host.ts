/** What a subscription needs of its client and its server. */
import type { ClientError } from '../../../shared/errors.js';
import type { Log } from '../../../shared/log.js';
import type { Connection, Settings } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import type { Bus } from '../../cluster/bus.js';
import type { Invoker } from '../../core/invoke.js';
import type { RateLimits } from '../../core/limits/rate.js';
import type { ServerObserver } from '../../core/observer.js';
import type { Transport } from '../transports/transport.js';
import type { MergeBox } from './mergebox.js';

/** Services that all subscriptions of a server share. */
export interface PublicationServices {
	readonly store: Store;
	readonly bus: Bus;
	readonly settings: Settings;
	readonly log: Log;
	readonly argumentLogLevel?: 'debug' | 'info';
	readonly observer?: ServerObserver | undefined;
	readonly invoker: Invoker;
	/** Absent without rate limits. */
	readonly limits?: RateLimits | undefined;
}

/** The state that the subscriptions of one client share. */
export interface SubscriptionHost<S> {
	readonly services: PublicationServices;
	readonly connection: Connection | null;
	readonly transport: Transport;
	readonly box: MergeBox;
	readonly isClosed: boolean;
	/** Sends `ready`: the initial result is complete. */
	ready(id: string): void;
	/** A subscription has ended: sends `nosub`, with the error if there is one. */
	onClose(subscription: S, error: ClientError | undefined): void;
}
