/** A real server on 127.0.0.1 and a port of its own. */
import * as catalogue from '../../methods/index.js';
import { type AppOptions, type Catalogue, createApp } from '../../server/app.js';
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

export type TestAppOptions = Partial<Catalogue> & {
	grace?: number;
} & {
	[K in 'ddp' | 'settings']?: Partial<AppOptions[K]>;
};

/** Starts a server with the methods of the catalogue and those given. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
	const { store, close: closeStore } = await openTestStore();
	const log = memoryLog();
	const app = createApp({
		catalogue: {
			methods: [...catalogue.methods, ...(options.methods ?? [])],
			publications: [...catalogue.publications, ...(options.publications ?? [])],
			streams: [...catalogue.streams, ...(options.streams ?? [])],
			strategies: options.strategies ?? {},
		},
		grace: options.grace ?? 50,
		store,
		log,
		settings: { ...settings, ...options.settings },
		maxBody: 64 * 1024,
		ddp: {
			maxFrame: 64 * 1024,
			maxQueue: 100,
			maxBuffered: 1024 * 1024,
			maxSubscriptions: 100,
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
