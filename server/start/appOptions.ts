/** The options of `createApp`, most of which are made from the settings. */
import type { ExpiringCacheOptions } from '../../shared/expiringCache.js';
import type { Log } from '../../shared/log.js';
import type { Settings } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import type { Catalogue } from '../catalogue.js';
import type { Link } from '../cluster/link.js';
import type { RateLimitMode } from '../core/limits/rate.js';
import type { DdpOptions } from '../ddp/endpoint.js';
import type { Certificate } from '../http/certificate.js';
import type { HttpTimeouts } from '../http/httpServer.js';
import type { Ops } from '../ops/ops.js';
import type { CheckedOptions } from '../options/checkOptions.js';
import type { RestOptions } from '../rest/server.js';
import type { OpenStore } from '../store/collections.js';

export interface AppOptions {
	readonly catalogue: Catalogue;
	/** The app does not close the store. */
	readonly store: Store;
	/**
	 * Whether other processes of the service may use the store too. Then all share their rate limits and the results of
	 * idempotent calls.
	 */
	readonly shared?: boolean;
	/** Whether the store refuses writes. Then expired login tokens stay. Default false. */
	readonly readOnly?: boolean;
	/** A hook of every REST route. Set only in the shadow mode. */
	readonly preParsing?: RestOptions['preParsing'];
	readonly onUnknownRoute?: RestOptions['onUnknownRoute'];
	readonly onChange: OpenStore['onChange'];
	readonly log: Log;
	readonly settings: Settings;
	readonly ddp: DdpOptions;
	/** In bytes. */
	readonly maxBody: number;
	readonly corsOrigin?: string | undefined;
	/** Whether there is a page at `/api-docs`. Default true. */
	readonly apiDocs?: boolean;
	/** Time that calls in flight have at shutdown, in ms. Connections are closed over its first half. */
	readonly grace: number;
	/** Time between checks that the login tokens in use still exist, in ms. Default 1,000. */
	readonly tokenCheckInterval?: number;
	readonly rateLimit: RateLimitMode;
	/** Limits of the idempotency cache. A `ttl` of 0 disables the cache. */
	readonly once: ExpiringCacheOptions;
	/** Number of trusted proxies; see `addressReader`. */
	readonly forwardedCount: number;
	/** Networks of trusted proxies instead of their number. */
	readonly trustProxy?: string | undefined;
	/** Origins whose pages may connect over DDP; see `originCheck`. Default `*`. */
	readonly allowedOrigins?: string;
	readonly pathPrefix?: string | undefined;
	/** Default: plain HTTP. */
	readonly certificate?: Certificate | undefined;
	/** Default: the defaults of the settings. */
	readonly timeouts?: HttpTimeouts;
	/** At which level arguments of a wrong type are logged. Default `debug`. */
	readonly argumentLogLevel?: 'debug' | 'info';
	/** Default: the default of `--rocketchat-version`. */
	readonly rocketChatVersion?: string;
	/** Whether REST refuses users without a user name. Default true. */
	readonly usernameRequired?: boolean;
	/** The connection to the other processes of the service. Default: there are none. */
	readonly link?: Link | undefined;
	/** Default: no health and no metrics. */
	readonly ops?: Ops | undefined;
}

/** Makes the options that follow from the options of the server. */
export function appOptionsOf({
	settings,
	parts,
}: CheckedOptions): Omit<AppOptions, 'catalogue' | 'store' | 'onChange' | 'log'> {
	return {
		settings: {
			signUps: settings['sign-ups'],
			leaseTime: settings['lease-time'],
			strictKeys: settings['strict-keys'],
			strictKeyIds: settings['strict-key-ids'] === 'on',
			identitySecondFactor: settings['identity-second-factor'],
			confirmLastKeyHolder: settings['confirm-last-key-holder'],
			...(parts.loginHandlers && { loginHandlers: parts.loginHandlers }),
		},
		maxBody: settings['max-body'],
		corsOrigin: settings['cors-origin'],
		apiDocs: settings['api-docs'] === 'on',
		grace: settings.grace,
		rateLimit: settings['rate-limit'],
		once: { ttl: settings['once-lifetime'], max: settings['once-max'] },
		forwardedCount: settings['forwarded-count'],
		trustProxy: settings['trust-proxy'],
		allowedOrigins: settings['allowed-origins'],
		pathPrefix: settings['path-prefix'],
		timeouts: {
			headers: settings['headers-timeout'],
			request: settings['request-timeout'],
			keepAlive: settings['keep-alive-timeout'],
		},
		rocketChatVersion: settings['rocketchat-version'],
		// As in Rocket.Chat, the key service requires a user name over REST.
		usernameRequired: parts.keys === true,
		// Demo users call methods by hand, and need argument errors in the log.
		argumentLogLevel: settings.demo ? 'info' : 'debug',
		ddp: {
			maxFrame: settings['max-frame'],
			maxAnonymousFrame: settings['max-anonymous-frame'],
			compression: settings.compression,
			// A shadow serves no DDP clients.
			maxConnections: settings.shadow ? 0 : settings['max-connections'],
			maxConnectionsPerAddress: settings['max-connections-per-address'],
			maxConnectsPerSecond: settings['max-connects-per-second'],
			maxEventLoopDelay: settings['max-event-loop-delay'],
			maxQueue: settings['max-queue'],
			maxBuffered: settings['max-buffered'],
			maxSubscriptions: settings['max-subscriptions'],
			maxSubscriptionBytes: settings['max-subscription-bytes'],
			connectTimeout: settings['connect-timeout'],
			heartbeat: { interval: settings['heartbeat-interval'], timeout: settings['heartbeat-timeout'] },
		},
	};
}
