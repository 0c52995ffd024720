/** Starts a NATS server for a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './freePort.js';

export interface NatsServer {
	readonly port: number;
	readonly url: string;
	/** Kills the server. */
	stop(): Promise<void>;
	/** Starts the server again at the same port. */
	start(): Promise<void>;
}

export async function startNats(...args: string[]): Promise<NatsServer> {
	const port = await freePort();
	let child: ChildProcess | undefined;
	const nats: NatsServer = {
		port,
		url: `nats://127.0.0.1:${port}`,
		async stop() {
			if (!child) return;
			const ended = once(child, 'exit');
			child.kill('SIGKILL');
			await ended;
			child = undefined;
		},
		async start() {
			const started = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...args]);
			child = started;
			let printed = '';
			await new Promise<void>((resolve, reject) => {
				started.on('error', reject);
				started.on('exit', () => reject(new Error(`nats-server has ended: ${printed}`)));
				started.stderr.on('data', (chunk) => {
					printed += chunk;
					if (printed.includes('Server is ready')) resolve();
				});
			});
			started.removeAllListeners('exit');
		},
	};
	await nats.start();
	return nats;
}
