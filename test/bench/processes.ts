/** Starts the servers and clients of a bench, and measures the servers. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Order } from './loadClients.js';
import type { Memory } from './memoryUsage.js';
import type { Ready } from './server.js';

/** The kinds of `server.ts`. `ws`, `http` and `ws-nats` are bare servers without Roomkey. */
type Kind = 'roomkey' | 'files' | 'unobserved' | 'metrics' | 'observed' | 'ws' | 'http' | 'cluster' | 'ws-nats';

export interface RunningServer extends Ready {
	readonly kind: Kind;
	readonly child: ChildProcess;
	stop(): Promise<void>;
}

/** Clients in one process. They follow one order at a time. */
export interface LoadClients {
	/** @returns for `await`: when each event arrived, in ms since 1970; for `open`: an empty list */
	order(order: Order): Promise<readonly number[]>;
	stop(): Promise<void>;
}

/** Forks a module of this folder. */
export function run(module: string, args: string[] = [], nodeOptions: string[] = []): ChildProcess {
	const child = fork(new URL(module, import.meta.url), args, {
		execArgv: ['--expose-gc', ...nodeOptions],
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	});
	// Otherwise the bench would wait for ever for an answer of a child that has failed.
	child.once('exit', (code) => code !== 0 && process.exit(1));
	return child;
}

/** Returns a function that disconnects from a process, which then exits, and waits for its end. */
export function stopOf(child: ChildProcess): () => Promise<void> {
	return async () => {
		const ended = once(child, 'exit');
		child.disconnect();
		await ended;
	};
}

/** @param people the number of users whose login tokens the server sends */
export async function startServer(kind: Kind, people = 0): Promise<RunningServer> {
	return serverIn('./server.js', kind, String(people));
}

/** Runs a module of this folder that is a server. Its first message must be a `Ready`. */
export async function serverIn(module: string, kind: Kind, ...args: string[]): Promise<RunningServer> {
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
export async function cpuOf({ child }: Pick<RunningServer, 'child'>): Promise<number> {
	child.send('cpu');
	const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
	return user + system;
}

export async function measureMemory({ child }: RunningServer): Promise<Memory> {
	child.send('memory');
	const [memory] = (await once(child, 'message')) as [Memory];
	return memory;
}

/**
 * Returns `connections`, or the lower number that the limit of open files allows, but at least 1. Prints the lower
 * number.
 * @param others number of connections that are open besides
 */
export function atMost(connections: number, others = 0): number {
	const report = process.report?.getReport() as { userLimits?: { open_files?: { soft: unknown } } } | undefined;
	// 200 are for other files. NaN if no limit is known.
	const allowed = Math.max(1, Number(report?.userLimits?.open_files?.soft) - 200 - others);
	if (Number.isNaN(allowed) || allowed >= connections) return connections;
	console.log(`Only ${allowed} connections instead of ${connections}: see ulimit -n.\n`);
	return allowed;
}

export function median(numbers: readonly number[]): number {
	return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}
