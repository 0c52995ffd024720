/** The programs that the deployment tests start. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';

async function acceptsConnections(port: number): Promise<boolean> {
	const socket = connect(port, '127.0.0.1');
	const isOpen = await new Promise<boolean>((resolve) => {
		socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
	});
	socket.destroy();
	return isOpen;
}

/** A running program and its output. */
export class Program {
	output = '';
	/** Emits `data` after each addition to `output`. */
	readonly #events = new EventEmitter();
	readonly #ended: Promise<unknown>;
	#hasEnded = false;

	private constructor(
		readonly child: ChildProcess,
		readonly name: string,
	) {
		for (const stream of [child.stdout, child.stderr]) {
			stream?.on('data', (data) => {
				this.output += data;
				this.#events.emit('data');
			});
		}
		this.#ended = once(child, 'close').then(() => {
			this.#hasEnded = true;
		});
	}

	static start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
		const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		return new Program(child, path.basename(command));
	}

	/** Resolves when something accepts connections at the port. @throws Error if the program has ended before */
	async listening(port: number): Promise<void> {
		while (!(await acceptsConnections(port))) {
			this.#requireRunning();
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	/** Resolves when the output has this text, at this position or later. @throws Error if the program ends before */
	async printed(text: string, from = 0): Promise<void> {
		while (!this.output.includes(text, from)) {
			this.#requireRunning();
			await Promise.race([once(this.#events, 'data'), this.#ended]);
		}
	}

	#requireRunning(): void {
		if (this.#hasEnded) throw new Error(`${this.name} has ended: ${this.output}`);
	}

	/** Ends the program by a signal. @returns its exit code; null if the signal has killed it */
	async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
		this.child.kill(signal);
		await this.#ended;
		return this.child.exitCode;
	}
}

/** Starts the demo, which trusts a proxy at 127.0.0.1. */
export async function startRoomkey(port: number, ...flags: string[]): Promise<Program> {
	const main = path.resolve('dist/server/cli/main.js');
	// Not `loopback`: the clients of these tests have other loopback addresses, and must not be trusted as proxies.
	const args = [main, '--demo', '--port', String(port), '--trust-proxy', '127.0.0.1', '--log-level', 'debug', ...flags];
	const roomkey = Program.start(process.execPath, args);
	await roomkey.listening(port);
	return roomkey;
}
