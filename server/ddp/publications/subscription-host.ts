/** What a subscription uses of its server and of the session that it belongs to. */
import type { ClientError } from '../../../shared/errors.js';
import type { Connection } from '../../../shared/method.js';
import type { Bus } from '../../cluster/bus.js';
import type { Services } from '../../core/invocation.js';
import type { Invoker } from '../../core/invoke.js';
import type { RateLimits } from '../../core/limits/rate.js';
import type { Transport } from '../transports/transport.js';
import type { LiveQueryObserver } from './collection-queries.js';
import type { MergeBox } from './mergebox.js';

/** Services that all subscriptions of a server share. */
export interface PublicationServices extends Services {
	readonly bus: Bus;
	readonly invoker: Invoker;
	/** Undefined if the server has no rate limits. */
	readonly limits?: RateLimits | undefined;
	readonly liveQueryObserver?: LiveQueryObserver | undefined;
}

/** What the subscriptions of one client share. */
export interface SubscriptionHost<S> {
	readonly services: PublicationServices;
	readonly connection: Connection | null;
	readonly transport: Transport;
	readonly mergeBox: MergeBox;
	/** Whether the session has ended. */
	readonly isClosed: boolean;
	/** Sends `ready` for a subscription. During a change of user, `ready` is sent at the end. */
	onReady(id: string): void;
	/** Removes an ended subscription and sends `nosub`, with the error if there is one. */
	onClose(subscription: S, error: ClientError | undefined): void;
}
