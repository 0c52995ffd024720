/** The connection between processes over NATS. */
import { setTimeout } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions, nkeyAuthenticator } from '@nats-io/transport-node';
import type { Log } from '../../shared/log.js';
import type { Link, LinkHandlers } from './link.js';

/** Time between attempts to connect, in ms. */
const RETRY_MS = 250;

/** Time limit of an attempt, in ms. */
const CONNECT_TIMEOUT_MS = 2000;

/** Time between checks that the server still answers, in ms. */
const PING_MS = 2000;

/** Largest message in bytes, until the server has sent its limit. This is the default of NATS. */
const DEFAULT_MAX_BYTES = 1_048_576;

/** `seed` is that of an nkey, NATS's key pair for logins. */
export type NatsCredentials =
	| { readonly user: string; readonly pass: string }
	| { readonly token: string }
	| { readonly seed: string };

export interface NatsSettings {
	/** The servers of one NATS cluster, as `host:port`. */
	readonly servers: string[];
	readonly credentials?: NatsCredentials | undefined;
	/** PEM texts: the authority, the client's certificate, its key. Absent: TLS only if the server requires it. */
	readonly tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
}

export interface NatsOptions extends NatsSettings {
	/** The subject that only the processes of this service use. */
	readonly subject: string;
	readonly log: Log;
}

function authentication(credentials: NatsCredentials | undefined): Partial<NodeConnectionOptions> {
	if (!credentials || !('seed' in credentials)) return { ...credentials };
	return { authenticator: nkeyAuthenticator(new TextEncoder().encode(credentials.seed)) };
}

/**
 * Makes a link over NATS. Each attempt opens a new connection, so messages that wait when a connection is lost are
 * never sent. Other processes notice the gap in the numbers.
 */
export function natsLink({ servers, credentials, tls, subject, log }: NatsOptions): Link {
	const options: NodeConnectionOptions = {
		servers,
		name: 'roomkey',
		...authentication(credentials),
		...(tls && { tls }),
		timeout: CONNECT_TIMEOUT_MS,
		reconnect: false,
		noEcho: true,
		noAsyncTraces: true,
		ignoreClusterUpdates: true,
		pingInterval: PING_MS,
		maxPingOut: 2,
	};
	const closing = new AbortController();
	let connection: NatsConnection | undefined;
	let loop: Promise<void> | undefined;
	let isOutageLogged = false;

	const maxBytes = () => connection?.info?.max_payload ?? DEFAULT_MAX_BYTES;

	/** Resolves when the connection ends, with the error if there was one. */
	async function useConnection(handlers: LinkHandlers): Promise<unknown> {
		const current = await connect(options);
		try {
			current.subscribe(subject, {
				callback(error, message) {
					if (error) log.warn({ err: error }, 'The subject of this service at NATS cannot be read');
					else handlers.onMessage(message.data);
				},
			});
			await current.flush();
			// `close` may have been called before there was a connection.
			if (closing.signal.aborted) return undefined;
			connection = current;
			isOutageLogged = false;
			handlers.onConnect();
			return (await current.closed()) ?? undefined;
		} finally {
			connection = undefined;
			await current.close().catch(() => {});
		}
	}

	async function keepConnected(handlers: LinkHandlers): Promise<void> {
		while (!closing.signal.aborted) {
			const reason = await useConnection(handlers).catch((error: unknown) => error);
			if (closing.signal.aborted) return;
			if (!isOutageLogged)
				log.warn({ err: reason, servers }, 'NATS is unavailable; this process works alone until it returns');
			isOutageLogged = true;
			handlers.onDisconnect(reasonText(reason));
			await setTimeout(RETRY_MS, undefined, { ref: false, signal: closing.signal }).catch(() => {});
		}
	}

	return {
		start(handlers) {
			loop = keepConnected(handlers);
		},
		get maxBytes() {
			return maxBytes();
		},
		send(data) {
			// The limit may have fallen since the message was made. `publish` throws for a larger one.
			const isTooLarge = data.length > maxBytes();
			if (connection && !connection.isClosed() && !isTooLarge) connection.publish(subject, data);
		},
		async close() {
			closing.abort();
			await connection?.flush().catch(() => {});
			await connection?.close();
			await loop;
		},
	};
}

/** Why there is no connection, without details that may be secret. */
function reasonText(error: unknown): string {
	const { name = '', message = '' } = (error ?? {}) as Partial<Error>;
	if (/auth/i.test(name) || /auth/i.test(message)) return 'NATS refuses the credentials';
	return 'NATS is unavailable';
}
