/** A service of several processes behind a round robin. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../server/cli/main.js', import.meta.url));

/** One process of a service. */
export interface ServiceProcess {
	readonly url: string;
	readonly webSocketUrl: string;
	readonly child: ChildProcess;
	/** What it has logged. */
	log(): string;
	/** Resolves when it says that it is connected to the others, and has caught up. */
	connected(): Promise<void>;
	/** Ends it at once. */
	kill(): Promise<void>;
	/** Ends it as an operator does. */
	stop(): Promise<void>;
}

/** Starts the command. Rejects with what it printed if it ends before it listens. */
export async function startProcess(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ServiceProcess> {
	const child = spawn(process.execPath, [command, '--port', '0', '--rate-limit', 'off', '--grace', '200', ...args], {
		env: { PATH: process.env.PATH, ...env },
	});
	let printed = '';
	child.stderr.on('data', (chunk) => {
		printed += chunk;
	});
	let url: string | undefined;
	for await (const line of createInterface({ input: child.stdout })) {
		url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
		if (url) break;
	}
	if (url === undefined) throw new Error(printed);
	child.stdout.resume();
	const address = url;
	const end = async (signal: NodeJS.Signals) => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		const ended = once(child, 'exit');
		child.kill(signal);
		await ended;
	};
	return {
		url: address,
		webSocketUrl: `${address.replace('http', 'ws')}/websocket`,
		child,
		log: () => printed,
		async connected() {
			for (;;) {
				const { checks } = (await (await fetch(`${address}/readyz`)).json()) as { checks: { bus: { status: string } } };
				if (checks.bus.status === 'ok') return;
				await new Promise((resolve) => setTimeout(resolve, 100));
			}
		},
		kill: () => end('SIGKILL'),
		stop: () => end('SIGTERM'),
	};
}

/** Passes each connection to the next of the addresses. */
export class RoundRobin {
	readonly #sockets = new Set<Socket>();
	readonly #server: Server;
	#next = 0;

	private constructor(private readonly targets: readonly string[]) {
		this.#server = createServer((socket) => {
			const target = new URL(this.targets[this.#next++ % this.targets.length] as string);
			const upstream = connect(Number(target.port), target.hostname);
			for (const [one, other] of [
				[socket, upstream],
				[upstream, socket],
			] as const) {
				this.#sockets.add(one);
				one.on('error', () => other.destroy());
				one.on('close', () => {
					this.#sockets.delete(one);
					other.destroy();
				});
			}
			socket.pipe(upstream).pipe(socket);
		});
	}

	static async start(targets: readonly string[]): Promise<RoundRobin> {
		const proxy = new RoundRobin(targets);
		proxy.#server.listen(0, '127.0.0.1');
		await once(proxy.#server, 'listening');
		return proxy;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, 'close');
	}
}
