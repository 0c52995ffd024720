/** HTTP servers of applications, with Roomkey in them. */
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer } from '../../server/http/closeServer.js';
import { createServer, method, type RoomkeyServer, type ServerOptions } from '../../server/index.js';

export const echo = method({
	name: 'echo',
	summary: 'Answers its argument',
	args: { text: String },
	anonymous: true,
	rest: { verb: 'GET', path: '/echo/:text' },
	run: ({ text }) => text,
});

export const mountOptions = {
	methods: [echo],
	store: { memory: true },
	port: 0,
	logLevel: 'silent',
	grace: 100,
} satisfies ServerOptions;

export interface Application {
	/** Makes an HTTP server listen, unless it does already. @returns its address, such as `127.0.0.1:8080` */
	listening(http: HttpServer): Promise<string>;
	/** Creates a Roomkey server. @param more options besides the suite's */
	mounted(more: ServerOptions): Promise<RoomkeyServer>;
}

/** Makes servers that are closed after each test of the calling suite. */
export function applicationOfEachTest(options: ServerOptions = mountOptions): Application {
	const closers: (() => unknown)[] = [];
	afterEach(async () => {
		for (const close of closers.splice(0).reverse()) await close();
	});

	async function listening(http: HttpServer): Promise<string> {
		if (!http.listening) await once(http.listen(0, '127.0.0.1'), 'listening');
		closers.push(() => closeServer(http));
		return `127.0.0.1:${(http.address() as AddressInfo).port}`;
	}

	async function mounted(more: ServerOptions): Promise<RoomkeyServer> {
		const server = await createServer({ ...options, ...more });
		closers.push(() => server.close());
		return server;
	}

	return { listening, mounted };
}
