/** `roomkey` without a subcommand: serves until SIGINT or SIGTERM. */
import { hasActiveAdmin } from '../../methods/model/users/admins.js';
import { createServer } from '../createServer.js';
import type { StoreChoice } from '../store/open.js';
import type { Io } from './command.js';
import type { Config } from './config.js';
import { optionsOf } from './configOptions.js';

/** Starts the server, and resolves when it has ended. */
export async function serve(config: Config, io: Io): Promise<void> {
	// Signals are handled before the server is ready, so that it can be stopped while it starts.
	const ended = waitForShutdown();
	const server = await createServer(optionsOf(config));
	const reload = () => void server.reloadCertificate();
	// A terminal sends SIGHUP when it closes. A server without a certificate then ends, which is Node's default.
	if (config['tls-cert'] !== undefined || !process.stdin.isTTY) process.on('SIGHUP', reload);
	try {
		io.line(`Roomkey listening on ${server.url}`);
		if (config.demo) io.line(`\n${(await import('./demo.js')).demoHint(server.url)}\n`);
		// If the store fails here, there is no hint: the log tells of the failure.
		else if (!(await hasActiveAdmin(server.store).catch(() => true))) io.line(firstAdminHint(config.store));
		await ended;
	} finally {
		process.off('SIGHUP', reload);
		await server.close();
	}
}

/** How to make the first admin, in one line. While the server runs, no command can open its data folder. */
function firstAdminHint(choice: StoreChoice): string {
	const start = 'Nobody is an admin yet.';
	const byVariable = 'start it with a password in ADMIN_PASS';
	if (choice.kind === 'memory') return `${start} To make one, ${byVariable}.`;
	const place = choice.kind === 'files' ? `--data ${choice.folder}` : '--mongo-url URL';
	const command = `roomkey user add NAME --role admin ${place}`;
	if (choice.kind === 'mongodb') return `${start} To make one, run: ${command}`;
	return `${start} To make one, stop the server and run: ${command} (or ${byVariable}).`;
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
