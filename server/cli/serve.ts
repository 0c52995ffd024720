/** `roomkey` without a subcommand: serves until SIGINT or SIGTERM. */
import { hasActiveAdmin } from '../../methods/model/users/admins.js';
import type { Store } from '../../shared/store.js';
import { isEveryAddress } from '../options/localUrl.js';
import type { CheckedStart } from '../start/checkStart.js';
import { startServer } from '../start/openServer.js';
import type { StoreChoice } from '../store/open.js';
import type { Io } from './command.js';
import type { Config } from './config.js';
import { firstAdminCommand } from './firstAdminCommand.js';

/** Resolves when the server has ended. */
export async function serve(config: Config, start: CheckedStart, io: Io): Promise<void> {
	// From here on, a signal closes the server as soon as the start has ended.
	const shutdown = waitForShutdown();
	const server = await startServer(start);
	const reload = () => void server.reloadCertificate();
	// SIGHUP reloads the certificate, if there is one. A terminal that closes also sends SIGHUP: a server that it runs
	// without a certificate has no handler, and ends.
	if (config['tls-cert'] !== undefined || !io.isInteractive) process.on('SIGHUP', reload);
	try {
		const everywhere = isEveryAddress(config.host) ? ` (on all addresses: ${config.host})` : '';
		io.line(`Roomkey listening on ${server.url}${everywhere}`);
		if (config.demo) io.line(`\n${(await import('../start/demo.js')).demoHint(server.url)}\n`);
		else if (await lacksAdmin(server.store)) io.line(firstAdminHint(config.store));
		await shutdown;
	} finally {
		process.off('SIGHUP', reload);
		await server.close();
	}
}

/** False if the store fails, which the log reports. */
function lacksAdmin(store: Store): Promise<boolean> {
	return hasActiveAdmin(store).then(
		(hasAdmin) => !hasAdmin,
		() => false,
	);
}

/** A data folder can be opened only after its server has stopped. */
function firstAdminHint(choice: StoreChoice): string {
	const problem = 'Nobody is an admin yet.';
	const byVariable = 'start the server with a password in ADMIN_PASS';
	if (choice.kind === 'memory') return `${problem} To make one, ${byVariable}.`;
	const command = firstAdminCommand(choice);
	if (choice.kind === 'mongodb') return `${problem} To make one, run: ${command}`;
	return `${problem} To make one, stop the server and run: ${command} (or ${byVariable}).`;
}

/** Resolves at the first SIGINT or SIGTERM. A second signal ends the process immediately. */
function waitForShutdown(): Promise<void> {
	return new Promise((resolve) => {
		const end = () => {
			process.off('SIGINT', end).off('SIGTERM', end);
			resolve();
		};
		process.on('SIGINT', end).on('SIGTERM', end);
	});
}
