/** Opens the parts of a server, and starts it. */
import { hash } from 'node:crypto';
import { collectionsOf } from '../../shared/collections.js';
import { clone } from '../../shared/ejson.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import { ClusterCounts } from '../cluster/clusterCounts.js';
import type { Link } from '../cluster/link.js';
import type { RocketChat } from '../cluster/rocketchat/rocketchat.js';
import { readOnlyMethods, readOnlyStore } from '../core/readOnly.js';
import { logCertificate } from '../http/certificate.js';
import { Ops } from '../ops/ops.js';
import { logReady, logStart, logStop } from '../ops/startLog.js';
import { openTraces } from '../ops/traces.js';
import type { CheckedOptions } from '../options/checkOptions.js';
import { localUrl } from '../options/localUrl.js';
import { natsSettings } from '../options/nats.js';
import type { ServerOptions } from '../options/serverOptions.js';
import type { Shadow } from '../shadow/shadow.js';
import type { OpenStore } from '../store/collections.js';
import { openStore } from '../store/open.js';
import { packageVersion } from '../version.js';
import { type App, createApp } from './app.js';
import { appOptionsOf } from './appOptions.js';
import { type CheckedStart, checkStart } from './checkStart.js';
import { answerOrPassOn, mountOn, upgradeOwn } from './mount.js';
import { prepareStore } from './prepareStore.js';
import type { RoomkeyServer } from './roomkeyServer.js';
import { certificateReloader } from './serverCertificate.js';
import type { Watcher } from './watchStore.js';

/** The parts of an open server, for the package's own tests. */
export interface OpenServer extends RoomkeyServer {
	readonly app: App;
	readonly log: Log;
	readonly ops: Ops;
}

/** Checks the options of a server and starts it. @throws OptionError, StoreError */
export async function openServer(options: ServerOptions = {}): Promise<OpenServer> {
	return startServer(await checkStart(options));
}

/** Starts a server. @throws OptionError, StoreError */
export async function startServer(start: CheckedStart): Promise<OpenServer> {
	const { checked, certificate } = start;
	const { settings, parts } = checked;
	const log =
		parts.log ?? (await import('../ops/createLog.js')).createLog(settings['log-level'], settings['log-format']);
	const startedAt = performance.now();
	const version = packageVersion();
	logStart(log, { version, store: checked.store, settings });
	if (certificate) logCertificate(log, certificate);
	const isShadow = settings.shadow;
	const readOnly = settings['read-only'] || isShadow;
	// With `--read-only`, methods that write are refused. A shadow executes them, on a store that discards their writes.
	const catalogue = settings['read-only']
		? { ...start.catalogue, methods: readOnlyMethods(start.catalogue.methods) }
		: start.catalogue;
	const opened = await openStore(checked.store, log, parts.collections ?? []);
	const ops = new Ops({
		log,
		metrics: settings.metrics,
		version,
		traces: await openTraces(version),
		folder: checked.store.kind === 'files' ? checked.store.folder : undefined,
		isShadow,
	});
	ops.observe(opened);
	const shadow = isShadow ? await openShadow(checked, opened.store, log) : undefined;
	ops.shadow = shadow?.counts;
	const store = shadow?.store ?? (readOnly ? readOnlyStore(opened.store) : opened.store);
	if (certificate) ops.setCertificate('server', certificate.cert);
	if (settings.nats !== undefined) ops.cluster = new ClusterCounts();
	const isStoreShared = checked.store.kind === 'mongodb' || settings.nats !== undefined;
	let app: App | undefined;
	let watcher: Watcher | undefined;
	let rocketChat: RocketChat | undefined;
	let unmount: (() => void) | undefined;
	let closing: Promise<void> | undefined;
	const closeAll = async () => {
		if (app) logStop(log, app.counts().sessions);
		await shadow?.close();
		await app?.close();
		// These close after the app, because its clients observe what others write until it has closed.
		await Promise.all([watcher?.close(), rocketChat?.close()]);
		unmount?.();
		await ops.close();
		await opened.close();
	};
	const close = () => {
		closing ??= closeAll();
		return closing;
	};
	try {
		if (!readOnly) await prepareStore(store, checked, log);
		app = createApp({
			...appOptionsOf(checked),
			// Without the idempotency cache, a shadow executes every mirrored request.
			...(shadow && {
				preParsing: shadow.preParsing,
				onUnknownRoute: shadow.onUnknownRoute,
				once: { ttl: 0, max: 1 },
			}),
			catalogue,
			store,
			onChange: opened.onChange,
			link: await makeLink(checked, opened, { ops, log }),
			shared: !readOnly && isStoreShared,
			readOnly,
			log,
			ops,
			certificate,
		});
		watcher = await openWatcher(checked, opened, { app, ops, log });
		rocketChat = await joinBroker(checked, { app, store, ops, log });
		await app.ready();
		await ops.listen(settings.host).catch(rethrowWithSettings('metrics'));
		if (parts.server) unmount = mountOn(parts.server, app);
		const url = parts.server || parts.listen === false ? '' : await listen(app, settings);
		logReady(log, url === '' ? undefined : { url, host: settings.host }, startedAt);
		return {
			...programInterface(app, store),
			app,
			log,
			ops,
			url,
			reloadCertificate: certificateReloader(checked, { app, ops, log }),
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

/** The members of `RoomkeyServer` that need only the app and its store. */
function programInterface(app: App, store: Store): Omit<RoomkeyServer, 'url' | 'close' | 'reloadCertificate'> {
	return {
		store,
		collections: collectionsOf(store),
		async call(name, args = [], { userId = null } = {}) {
			if (!Array.isArray(args)) throw new TypeError(`The arguments of a call of '${name}' must be an array`);
			const caller = {
				userId,
				hashedToken: null,
				connection: null,
				clientAddress: null,
				transport: 'program',
			} as const;
			return clone(await app.invoker.invoke(name, clone(args) as readonly unknown[], caller));
		},
		handle: (request, response, next) => answerOrPassOn(app, request, response, next),
		upgrade: (request, socket, head) => upgradeOwn(app, request, socket, head),
	};
}

async function openShadow({ settings, parts }: CheckedOptions, real: Store, log: Log): Promise<Shadow> {
	const { Shadow } = await import('../shadow/shadow.js');
	return new Shadow({ real, declared: parts.collections ?? [], delay: settings['shadow-delay'], log });
}

/** Makes the connection to other processes, if `--nats` is set. Processes with the same data share a subject of NATS. */
async function makeLink(
	{ settings }: CheckedOptions,
	{ identity = '' }: OpenStore,
	{ ops, log }: { ops: Ops; log: Log },
): Promise<Link | undefined> {
	const { nats: urls } = settings;
	if (urls === undefined) return undefined;
	const { natsLink } = await import('../cluster/nats.js');
	const connection = natsSettings(urls, settings);
	if (connection.tls?.cert !== undefined) ops.setCertificate('nats', connection.tls.cert);
	return natsLink({
		...connection,
		subject: `${settings['nats-prefix']}.${hash('sha256', identity, 'hex').slice(0, 32)}`,
		log,
	});
}

async function openWatcher(
	{ settings, parts }: CheckedOptions,
	{ db }: OpenStore,
	running: { app: App; ops: Ops; log: Log },
): Promise<Watcher | undefined> {
	const { watch: mode } = settings;
	if (!db || mode === 'off') return undefined;
	const { watchStore } = await import('./watchStore.js');
	const makesIndexes = !settings['no-index'] && !settings['read-only'] && !settings.shadow;
	return watchStore(db, { mode, makesIndexes, declared: parts.collections ?? [], ...running });
}

/** Joins Rocket.Chat's broker, if its address is set. */
async function joinBroker(
	{ settings }: CheckedOptions,
	{ app, store, ops, log }: { app: App; store: Store; ops: Ops; log: Log },
): Promise<RocketChat | undefined> {
	const { 'rocketchat-broker': url, 'rocketchat-namespace': namespace = '' } = settings;
	if (url === undefined) return undefined;
	const { joinRocketChat } = await import('../cluster/rocketchat/rocketchat.js');
	const { openMoleculer } = await import('../cluster/rocketchat/moleculer.js');
	return joinRocketChat({
		url,
		namespace,
		store,
		log,
		open: openMoleculer,
		bus: app.bus,
		changedElsewhere: app.changedElsewhere,
		checkTokens: app.checkTokens,
		refreshCollection: app.refreshCollection,
		health: ops.health.addPart('rocketchat', 'It has not been joined yet'),
	});
}

/** Starts to listen. Returns the address for clients on this machine. */
async function listen(app: App, settings: CheckedOptions['settings']): Promise<string> {
	return localUrl(settings, await app.listen(settings.port, settings.host).catch(rethrowWithSettings('port')));
}

/** Makes a handler that adds the settings of the address to an error of `listen`. */
function rethrowWithSettings(setting: 'port' | 'metrics') {
	return (error: Error) => {
		error.message += ` (settings: host and ${setting})`;
		throw error;
	};
}
