/** `roomkey` without a subcommand: serves until SIGINT or SIGTERM. */
import * as catalogue from '../../methods/index.js';
import { makeFirstAdmin } from '../../methods/model/users/firstAdmin.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import { type App, createApp } from '../app.js';
import { openStore } from '../store/open.js';
import type { Config } from './config.js';
import { logAt } from './logAt.js';
import { OptionError } from './options.js';

/** The address of the server for clients on this machine. */
function addressOf(host: string, port: number): string {
	if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
	return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Starts the server, and resolves when it has ended. */
export async function serve(config: Config): Promise<void> {
	const log = logAt(config['log-level']);
	// Signals are handled before the server is ready, so that it can be stopped while it starts.
	const ended = waitForShutdown();
	const { store, onChange, close: closeStore } = await openStore(config.store, log);
	let app: App | undefined;
	try {
		const demo = config.demo ? await import('./demo.js') : undefined;
		await demo?.fillDemo(store);
		await ensureAdmin(store, config, log);
		app = createApp({
			catalogue,
			store,
			onChange,
			log,
			settings: {
				signUps: config['sign-ups'],
				leaseTime: config['lease-time'],
				strictKeys: config['strict-keys'],
				strictKeyIds: config['strict-key-ids'] === 'on',
				identitySecondFactor: config['identity-second-factor'],
				confirmLastKeyHolder: config['confirm-last-key-holder'],
			},
			maxBody: config['max-body'],
			corsOrigin: config['cors-origin'],
			apiDocs: config['api-docs'] === 'on',
			grace: config.grace,
			rateLimit: config['rate-limit'],
			once: { ttl: config['once-lifetime'], max: config['once-max'] },
			forwardedCount: config['forwarded-count'],
			rocketChatVersion: config['rocketchat-version'],
			// Demo users call methods by hand, so argument errors must be visible in the log.
			argumentLogLevel: config.demo ? 'info' : 'debug',
			ddp: {
				maxFrame: config['max-frame'],
				maxAnonymousFrame: config['max-anonymous-frame'],
				compression: config.compression,
				maxConnectionsPerAddress: config['max-connections-per-address'],
				maxQueue: config['max-queue'],
				maxBuffered: config['max-buffered'],
				maxSubscriptions: config['max-subscriptions'],
				maxSubscriptionBytes: config['max-subscription-bytes'],
				connectTimeout: config['connect-timeout'],
				heartbeat: { interval: config['heartbeat-interval'], timeout: config['heartbeat-timeout'] },
			},
		});
		const address = addressOf(config.host, await app.listen(config.port, config.host));
		console.log(`Roomkey listening on ${address}`);
		if (demo) console.log(`\n${demo.demoHint(address)}\n`);
		await ended;
	} finally {
		await app?.close();
		await closeStore();
	}
}

/** Creates the first admin, if the environment specifies one. */
async function ensureAdmin(store: Store, config: Config, log: Log): Promise<void> {
	const { 'admin-username': username, 'admin-pass': password, 'admin-email': email } = config;
	if (password === undefined) return;
	const outcome = await makeFirstAdmin(store, { username, password, email });
	if (outcome === 'made') log.info({ username }, 'There was no admin: made one');
	if (outcome === 'taken') {
		throw new OptionError('ADMIN_USERNAME or ADMIN_EMAIL is that of somebody who is no admin; choose another');
	}
}

/** Resolves at the first SIGINT or SIGTERM. A second signal ends the process at once, as usual. */
function waitForShutdown(): Promise<void> {
	return new Promise((resolve) => {
		const end = () => {
			process.off('SIGINT', end).off('SIGTERM', end);
			resolve();
		};
		process.on('SIGINT', end).on('SIGTERM', end);
	});
}
