/** A process of a service that consists of several processes. */
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from './command.js';
import { request } from './rest.js';

const ARGS = ['--port', '0', '--grace', '200'];

export class ServiceProcess extends Command {
	url = '';

	static async start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ServiceProcess> {
		const started = new ServiceProcess([...ARGS, ...args], { env });
		started.url = await started.listening();
		return started;
	}

	get webSocketUrl(): string {
		return `${this.url.replace('http', 'ws')}/websocket`;
	}

	/** Resolves when the process is connected to the others and has caught up. */
	async connected(): Promise<void> {
		for (;;) {
			const { body } = await request(`${this.url}/readyz`);
			if ((body.checks as { bus: { status: string } }).bus.status === 'ok') return;
			await pause(100);
		}
	}
}
