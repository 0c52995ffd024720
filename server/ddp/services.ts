/** Services that the sessions of a server share. */

import type { Connection } from '../../shared/method.js';
import type { AllowsOrigin } from '../http/origins.js';
import type { Heartbeats } from './heartbeat.js';
import type { PublicationServices } from './publications/subscription-host.js';
import type { Publications, SubscriptionLimits } from './publications/subscriptions.js';
import type { ResumeChains } from './resume-chains.js';
import type { TransportOptions } from './transports/transport.js';

export interface SessionOptions extends SubscriptionLimits {
	/**
	 * How long a client may take to send `connect`, in ms. Also how long a client without a heartbeat may be idle: a
	 * client with version pre1 of DDP, or any client if the heartbeat interval is 0. Default 45,000.
	 */
	readonly connectTimeout: number;
	/** Maximum size of a frame from a client that is not logged in, in bytes. Default 64 KiB. */
	readonly maxAnonymousFrame: number;
	/**
	 * Maximum number of unanswered requests of one client, waiting or running. Above it, reading is paused. Default 100.
	 */
	readonly maxQueue: number;
}

/** The services that the server provides to a session. */
export interface SessionServices extends PublicationServices {
	readonly publications: Publications;
	readonly heartbeats: Heartbeats;
	/**
	 * Knows which former session each session has resumed, so that a call that is repeated after a reconnect gets its first
	 * outcome. Undefined if outcomes of calls are not kept.
	 */
	readonly resumeChains?: ResumeChains | undefined;
	/** Called for every client whose `connect` was accepted. */
	readonly onConnection?: ((connection: Connection) => void) | undefined;
}

/** The services that the server provides to the DDP endpoint (`endpoint.ts`). */
export interface DdpServices extends Omit<SessionServices, 'heartbeats'>, Pick<TransportOptions, 'addressOf'> {
	readonly allowsOrigin: AllowsOrigin;
	/** Removes the server's path prefix from the path of a URL. Undefined if the path does not begin with it. */
	pathOf(url: string): string | undefined;
}
