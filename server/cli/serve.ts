/** `roomkey` without a subcommand: serves until SIGINT or SIGTERM. */
import { createServer } from '../createServer.js';
import { asProgramSettings } from '../options/checkOptions.js';
import type { StoreOption } from '../options/serverOptions.js';
import type { StoreChoice } from '../store/open.js';
import type { Config } from './config.js';

/** Starts the server, and resolves when it has ended. */
export async function serve({ store, ...settings }: Config): Promise<void> {
	// Signals are handled before the server is ready, so that it can be stopped while it starts.
	const ended = waitForShutdown();
	const server = await createServer({
		...asProgramSettings(settings),
		...(!settings.demo && { store: storeOption(store) }),
		keys: true,
	});
	const reload = () => void server.reloadCertificate();
	// A terminal sends it too, when it closes: then a server without a certificate ends.
	if (settings['tls-cert'] !== undefined || !process.stdin.isTTY) process.on('SIGHUP', reload);
	try {
		console.log(`Roomkey listening on ${server.url}`);
		if (settings.demo) console.log(`\n${(await import('./demo.js')).demoHint(server.url)}\n`);
		await ended;
	} finally {
		process.off('SIGHUP', reload);
		await server.close();
	}
}

function storeOption(choice: StoreChoice): StoreOption {
	if (choice.kind === 'memory') return { memory: true };
	return choice.kind === 'files' ? { data: choice.folder } : { mongoUrl: choice.url };
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
