/** The default options of a server in a test. */
import type { AppOptions } from '../../server/start/appOptions.js';
import { settings } from './roomkey.js';

export const testOptions: Omit<AppOptions, 'catalogue' | 'store' | 'onChange' | 'log'> = {
	settings,
	maxBody: 64 * 1024,
	grace: 50,
	// Off, because tests make many calls.
	rateLimit: 'off',
	once: { ttl: 120_000, max: 100_000 },
	forwardedCount: 0,
	ddp: {
		maxFrame: 64 * 1024,
		maxAnonymousFrame: 64 * 1024,
		compression: false,
		maxConnections: 100_000,
		maxConnectionsPerAddress: 100_000,
		maxConnectsPerSecond: 1_000_000,
		maxEventLoopDelay: 0,
		maxQueue: 100,
		maxBuffered: 1024 * 1024,
		maxSubscriptions: 1000,
		maxSubscriptionBytes: 262_144,
		connectTimeout: 45_000,
		heartbeat: { interval: 15_000, timeout: 15_000 },
	},
};
