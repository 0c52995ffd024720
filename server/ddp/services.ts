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
	 * How long a client may take to send `connect`, in ms. A client without a heartbeat is disconnected when it has been
	 * idle for the same time. Such a client speaks version pre1 of DDP, or the heartbeat interval is 0. Default 45,000.
	 */
	readonly connectTimeout: number;
	/** Maximum size of a frame from a client that is not logged in, in bytes. Default 64 KiB. */
	readonly maxAnonymousFrame: number;
	/** Maximum number of unanswered requests of one client. Above it, reading is paused. Default 100. */
	readonly maxQueue: number;
}

/** What the server provides to a session. */
export interface SessionServices extends PublicationServices {
	readonly publications: Publications;
	readonly heartbeats: Heartbeats;
	/**
	 * Knows which former session each session has resumed, so that a repeated call gets its first outcome. Undefined if
	 * outcomes of calls are not kept.
	 */
	readonly resumeChains?: ResumeChains | undefined;
	/** Called for every client whose `connect` was accepted. */
	readonly onConnection?: ((connection: Connection) => void) | undefined;
}

/** What the server provides to the DDP endpoint (`endpoint.ts`). */
export interface DdpServices extends Omit<SessionServices, 'heartbeats'>, Pick<TransportOptions, 'addressOf'> {
	readonly allowsOrigin: AllowsOrigin;
	/** The path of a URL without the server's prefix; undefined if it does not begin with the prefix. */
	pathOf(url: string): string | undefined;
}
