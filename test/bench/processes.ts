/** The processes of a bench: what is measured, and its clients. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Order } from './loadClients.js';
import type { Memory } from './memoryUsage.js';
import type { Ready } from './server.js';

type Kind = 'roomkey' | 'files' | 'unobserved' | 'metrics' | 'observed' | 'ws' | 'http' | 'cluster' | 'ws-nats';

export interface Running extends Ready {
	readonly kind: Kind;
	readonly child: ChildProcess;
	/** Resolves when it has ended. */
	stop(): Promise<void>;
}

/** Clients in a process of their own. Each order is followed before the next. */
export interface LoadClients {
	/** @returns when each awaited event has arrived, in ms since 1970; nothing after another order */
	order(order: Order): Promise<readonly number[]>;
	stop(): Promise<void>;
}

/** Forks a module of this folder. */
export function run(module: string, args: string[] = [], nodeOptions: string[] = []): ChildProcess {
	const child = fork(new URL(module, import.meta.url), args, {
		execArgv: ['--expose-gc', ...nodeOptions],
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	});
	// A caller that waits for its answer would wait for ever.
	child.once('exit', (code) => code !== 0 && process.exit(1));
	return child;
}

/** The way to stop it. */
export function stopOf(child: ChildProcess): () => Promise<void> {
	return async () => {
		const ended = once(child, 'exit');
		child.disconnect();
		await ended;
	};
}

/** @param people how many can log in, each with a token of their own */
export async function startServer(kind: Kind, people = 0): Promise<Running> {
	return serverIn('./server.js', kind, String(people));
}

/** Starts a server that a module of this folder is; it sends what it is ready with. */
export async function serverIn(module: string, kind: Kind, ...args: string[]): Promise<Running> {
	const child = run(module, [kind, ...args]);
	const [ready] = (await once(child, 'message')) as [Ready];
	return { ...ready, kind, child, stop: stopOf(child) };
}

export function startLoadClients(): LoadClients {
	const child = run('./loadClients.js');
	return {
		async order(order) {
			child.send(order);
			const [answer] = (await once(child, 'message')) as [unknown];
			return Array.isArray(answer) ? answer : [];
		},
		stop: stopOf(child),
	};
}

/** CPU time a server has used, in µs. */
export async function cpuOf({ child }: Pick<Running, 'child'>): Promise<number> {
	child.send('cpu');
	const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
	return user + system;
}

export async function measureMemory({ child }: Running): Promise<Memory> {
	child.send('memory');
	const [memory] = (await once(child, 'message')) as [Memory];
	return memory;
}

/** So many connections, or as many as a process may have files open, which is then said. */
export function atMost(connections: number): number {
	const report = process.report?.getReport() as { userLimits?: { open_files?: { soft: unknown } } } | undefined;
	const room = Number(report?.userLimits?.open_files?.soft) - 200;
	if (!(room < connections)) return connections;
	console.log(`Only ${room} connections instead of ${connections}: see ulimit -n.\n`);
	return room;
}

export function median(numbers: readonly number[]): number {
	return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}
