/** The settings of a server as its parts take them. */
import type { AppOptions } from './app.js';
import type { CheckedOptions } from './options/checkOptions.js';

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
		usernameRequired: parts.keys === true,
		// Demo users call methods by hand, so argument errors must be visible in the log.
		argumentLogLevel: settings.demo ? 'info' : 'debug',
		ddp: {
			maxFrame: settings['max-frame'],
			maxAnonymousFrame: settings['max-anonymous-frame'],
			compression: settings.compression,
			maxConnections: settings['max-connections'],
			maxConnectionsPerAddress: settings['max-connections-per-address'],
			maxQueue: settings['max-queue'],
			maxBuffered: settings['max-buffered'],
			maxSubscriptions: settings['max-subscriptions'],
			maxSubscriptionBytes: settings['max-subscription-bytes'],
			connectTimeout: settings['connect-timeout'],
			heartbeat: { interval: settings['heartbeat-interval'], timeout: settings['heartbeat-timeout'] },
		},
	};
}
