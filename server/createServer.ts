/** A server in a program: its parts are put together, and it starts. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { collectionsOf, type DeclaredCollections } from '../shared/collections.js';
import { clone } from '../shared/ejson.js';
import type { Log } from '../shared/log.js';
import { isDuplicateKey, type Store } from '../shared/store.js';
import { type App, createApp } from './app.js';
import { appOptionsOf } from './appOptions.js';
import { catalogueOf } from './catalogue.js';
import { mountOn, type Next, passOn } from './mount.js';
import { Ops } from './ops/ops.js';
import { OptionError } from './options/kinds.js';
import { type CheckedOptions, checkServerOptions, type ServerOptions } from './options/serverOptions.js';
import { openStore } from './store/open.js';
import { packageVersion } from './version.js';

/** Whom a call from the program is for. */
export interface CallAs {
	/** Default: nobody. */
	readonly userId?: string | null;
}

export interface RoomkeyServer {
	/** `http://127.0.0.1:3000`, for clients on this machine; empty unless it listens. DDP is at `/websocket` there. */
	readonly url: string;
	/** Users, and the other collections of Roomkey itself. */
	readonly store: Store;
	/** The declared collections. */
	readonly collections: DeclaredCollections;
	/**
	 * Calls a method. Rate limits do not count it.
	 * @param args in the order of the definition
	 * @throws ClientError or MatchError, like a call by a client
	 */
	call(name: string, args?: readonly unknown[], as?: CallAs): Promise<unknown>;
	/**
	 * Answers a request of another HTTP server; middleware for express.
	 * @param next called for paths that are not this server's; without it the answer is 404
	 */
	readonly handle: (request: IncomingMessage, response: ServerResponse, next?: Next) => void;
	/** Handles `upgrade` events of another HTTP server. @returns false for paths that are not this server's */
	readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
	/** Ends all connections once their calls are answered, and closes the store. */
	close(): Promise<void>;
}

/** The parts of an open server, for the package's own tests. */
export interface OpenServer extends RoomkeyServer {
	readonly app: App;
	readonly log: Log;
	readonly ops: Ops;
}

/**
 * Starts a server.
 * @throws OptionError that names the option, if one is unknown or invalid; StoreError if the store cannot be opened
 */
export async function createServer(options: ServerOptions = {}): Promise<RoomkeyServer> {
	return openServer(options);
}

/** The same, with parts that are not for applications. */
export async function openServer(options: ServerOptions = {}): Promise<OpenServer> {
	const checked = checkServerOptions(options);
	const { settings, parts } = checked;
	const log = parts.log ?? (await import('./cli/logAt.js')).logAt(settings['log-level']);
	const open = await openStore(checked.store, log, parts.collections ?? []);
	const ops = new Ops({
		log,
		metrics: settings.metrics,
		version: packageVersion(),
		folder: checked.store.kind === 'files' ? checked.store.folder : undefined,
	});
	const store = ops.observe(open.store);
	let app: App | undefined;
	let unmount: (() => void) | undefined;
	const close = async () => {
		unmount?.();
		await app?.close();
		await ops.close();
		await open.close();
	};
	try {
		await prepare(store, checked, log);
		app = createApp({
			...appOptionsOf(checked),
			catalogue: await catalogueOf(parts),
			store,
			onChange: open.onChange,
			log,
			ops,
		});
		await app.ready();
		await ops.listen(settings.demo ? '127.0.0.1' : settings.host);
		if (parts.server) unmount = mountOn(parts.server, app);
		const url = parts.server || parts.listen === false ? '' : await listen(app, settings);
		return { ...faceOf(app, store), app, log, ops, url, close };
	} catch (error) {
		await close();
		throw error;
	}
}

/** What a program sees of an open server. */
function faceOf(app: App, store: Store): Omit<RoomkeyServer, 'url' | 'close'> {
	return {
		store,
		collections: collectionsOf(store),
		async call(name, args = [], { userId = null } = {}) {
			const caller = { userId, hashedToken: null, connection: null, clientAddress: null, isNested: true };
			return clone(await app.invoker.invoke(name, clone(args) as readonly unknown[], caller));
		},
		handle: (request, response, next) => passOn(app, request, response, next),
		upgrade(request, socket, head) {
			const isOurs = app.owns(request.url ?? '');
			if (isOurs) app.upgrade(request, socket, head);
			return isOurs;
		},
	};
}

/** Writes what must be in the store before the first call. */
async function prepare(store: Store, { settings, parts }: CheckedOptions, log: Log): Promise<void> {
	if (settings.demo) await (await import('./cli/demo.js')).fillDemo(store);
	for (const [_id, roles] of Object.entries(parts.permissions ?? {})) {
		await store.permissions.insertOne({ _id, roles: [...roles] }).catch((error) => {
			// An admin may have changed it since.
			if (!isDuplicateKey(error)) throw error;
		});
	}
	const { 'admin-username': username, 'admin-pass': password, 'admin-email': email } = settings;
	if (password === undefined) return;
	const { makeFirstAdmin } = await import('../methods/model/users/firstAdmin.js');
	const outcome = await makeFirstAdmin(store, { username, password, email });
	if (outcome === 'made') log.info({ username }, 'There was no admin: made one');
	if (outcome === 'taken') {
		throw new OptionError('ADMIN_USERNAME or ADMIN_EMAIL is that of somebody who is no admin; choose another');
	}
}

/** Starts to listen. Returns the address for clients on this machine. */
async function listen(app: App, { host: asked, port: askedPort, demo }: CheckedOptions['settings']): Promise<string> {
	// The passwords of the demo are public, so only this machine may connect to it.
	const host = demo ? '127.0.0.1' : asked;
	const port = await app.listen(askedPort, host);
	if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
	return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
