/** A real server on 127.0.0.1 and a port of its own. */
import { methods as catalogue } from '../../methods/index.js';
import { type AppOptions, createApp } from '../../server/app.js';
import type { Method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from './log.js';
import { settings } from './roomkey.js';
import { openTestStore } from './store.js';

export interface TestApp {
	readonly store: Store;
	readonly log: ReturnType<typeof memoryLog>;
	/** `http://127.0.0.1:PORT` */
	readonly url: string;
	/** `ws://127.0.0.1:PORT/websocket` */
	readonly webSocketUrl: string;
	close(): Promise<void>;
}

export type TestAppOptions = { methods?: readonly Method[] } & {
	[K in 'ddp' | 'settings']?: Partial<AppOptions[K]>;
} & Partial<Pick<AppOptions, 'rateLimit' | 'forwardedCount'>>;

/** Starts a server with the methods of the catalogue and those given. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
	const { store, close: closeStore } = await openTestStore();
	const log = memoryLog();
	const app = createApp({
		methods: [...catalogue, ...(options.methods ?? [])],
		store,
		log,
		settings: { ...settings, ...options.settings },
		maxBody: 64 * 1024,
		rateLimit: options.rateLimit ?? 'off',
		forwardedCount: options.forwardedCount ?? 0,
		ddp: {
			maxFrame: 64 * 1024,
			maxQueue: 1000,
			maxConnectionsPerAddress: 100_000,
			connectTimeout: 45_000,
			heartbeat: { interval: 15_000, timeout: 15_000 },
			...options.ddp,
		},
	});
	const port = await app.listen(0, '127.0.0.1');
	return {
		store,
		log,
		url: `http://127.0.0.1:${port}`,
		webSocketUrl: `ws://127.0.0.1:${port}/websocket`,
		async close() {
			await app.close();
			await closeStore();
		},
	};
}
