/** Starts a real server on 127.0.0.1, at a free port. */
import * as catalogue from '../../methods/index.js';
import type { Catalogue } from '../../server/catalogue.js';
import { ClusterCounts } from '../../server/cluster/clusterCounts.js';
import type { OpenSession } from '../../server/ddp/transports/transport.js';
import { Ops } from '../../server/ops/ops.js';
import { createApp } from '../../server/start/app.js';
import type { AppOptions } from '../../server/start/appOptions.js';
import type { Method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { checkingDeclarations } from './declared.js';
import { checkPort, uncheckPort } from './described.js';
import { memoryLog } from './log.js';
import { testOptions } from './options.js';
import { notedLog } from './secrets.js';
import { type OpenStore, openTestStore } from './store.js';

export interface TestApp {
	readonly store: Store;
	readonly onChange: OpenStore['onChange'];
	readonly log: ReturnType<typeof memoryLog>;
	/** `http://127.0.0.1:PORT` */
	readonly url: string;
	/** `ws://127.0.0.1:PORT/websocket` */
	readonly webSocketUrl: string;
	/** Resolves when the app has read again all documents whose changes it may have missed. */
	caughtUp(): Promise<void>;
	readonly connect: OpenSession;
	close(): Promise<void>;
	/** Closes the server and starts another at the same address, on the same store. */
	restart(): Promise<TestApp>;
}

export type TestAppOptions = Partial<Catalogue> & {
	grace?: number;
	/** A store that the test or another app has opened, and closes. Default: a new store, which this app closes. */
	store?: Store;
	/** Notifies the app of writes to `store`. Default: it is not notified. */
	onChange?: OpenStore['onChange'];
	tokenCheckInterval?: number;
} & {
	[K in 'ddp' | 'settings']?: Partial<AppOptions[K]>;
} & Partial<
		Pick<
			AppOptions,
			| 'link'
			| 'rateLimit'
			| 'once'
			| 'shared'
			| 'apiDocs'
			| 'forwardedCount'
			| 'trustProxy'
			| 'allowedOrigins'
			| 'corsOrigin'
			| 'pathPrefix'
			| 'certificate'
			| 'timeouts'
			| 'maxBody'
			| 'rocketChatVersion'
		>
	>;

/** Starts a server with the whole catalogue. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
	const opened = options.store
		? { store: options.store, onChange: options.onChange ?? (() => () => {}), observe: () => {}, close: async () => {} }
		: await openTestStore();
	return listen(opened, options, 0);
}

/** Returns `startApp`. After each test, the servers that it has started are closed. */
export function appsOfEachTest(): typeof startApp {
	const apps: TestApp[] = [];
	afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
	return async (options) => {
		const app = await startApp(options);
		apps.push(app);
		return app;
	};
}

async function listen(opened: OpenStore, options: TestAppOptions, askedPort: number): Promise<TestApp> {
	const log = memoryLog();
	// Logs every call, in a log that is searched for secrets.
	const ops = new Ops({ log: notedLog, metrics: 'on', version: 'test' });
	ops.observe(opened);
	if (options.link) ops.cluster = new ClusterCounts();
	const app = createApp({
		...testOptions,
		...options,
		catalogue: {
			methods: checkingDeclarations(replacing(catalogue.methods, options.methods ?? [])),
			publications: [...catalogue.publications, ...(options.publications ?? [])],
			streams: [...catalogue.streams, ...(options.streams ?? [])],
			limits: [...catalogue.limits, ...(options.limits ?? [])],
			...(options.limitMessage !== undefined && { limitMessage: options.limitMessage }),
			...(options.onConnection && { onConnection: options.onConnection }),
			strategies: options.strategies ?? {},
		},
		store: opened.store,
		onChange: opened.onChange,
		log,
		ops,
		settings: { ...testOptions.settings, ...options.settings },
		ddp: { ...testOptions.ddp, ...options.ddp },
	});
	const port = await app.listen(askedPort, '127.0.0.1');
	checkPort(port, options.publications);
	async function closeApp(): Promise<void> {
		await app.close();
		uncheckPort(port);
	}
	return {
		store: opened.store,
		onChange: opened.onChange,
		log,
		url: `http://127.0.0.1:${port}`,
		caughtUp: app.caughtUp,
		connect: app.connect,
		webSocketUrl: `ws://127.0.0.1:${port}/websocket`,
		async close() {
			await closeApp();
			await opened.close();
		},
		async restart() {
			await closeApp();
			return listen(opened, options, port);
		},
	};
}

/** Replaces methods by added ones with the same name. A sample of the documentation may have the name of a method. */
function replacing(methods: readonly Method[], added: readonly Method[]): Method[] {
	const names = new Set(added.map(({ name }) => name));
	return [...methods.filter(({ name }) => !names.has(name)), ...added];
}
