/** A running server, as a program sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DeclaredCollections } from '../../shared/collections.js';
import type { Store } from '../../shared/store.js';

/** Passes a request on to the next handler, as in express. */
export type Next = (error?: unknown) => void;

/** The user as whom the program calls a method. */
export interface CallAs {
	/** Default: null, which stands for a client that is not logged in. */
	readonly userId?: string | null;
}

export interface RoomkeyServer {
	/** The address for clients on this machine, such as `http://127.0.0.1:3000`. Empty if the server does not listen. */
	readonly url: string;
	/** Users, and the other collections of Roomkey itself. */
	readonly store: Store;
	/** The declared collections. */
	readonly collections: DeclaredCollections;
	/**
	 * Calls a method. Rate limits do not count it.
	 * @param args in the order of the definition
	 * @throws ClientError or MatchError. `cause` is the exception behind an `Internal server error`
	 */
	call(name: string, args?: readonly unknown[], as?: CallAs): Promise<unknown>;
	/**
	 * Answers a request of another HTTP server; middleware for express.
	 * @param next called for paths that are not this server's; without it the answer is 404
	 */
	readonly handle: (request: IncomingMessage, response: ServerResponse, next?: Next) => void;
	/** Handles `upgrade` events of another HTTP server. @returns false for paths that are not this server's */
	readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
	/**
	 * Reads the files of `tlsCert` and `tlsKey` again, for new connections. If they cannot be used, logs an error.
	 * @returns whether the certificate was replaced; false if the server has none
	 */
	reloadCertificate(): Promise<boolean>;
	/** Closes each connection once its calls are answered, then the store. A second call waits for the first. */
	close(): Promise<void>;
}
