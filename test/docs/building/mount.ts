import { createServer as createHttpServer } from 'node:http';
import { createServer, type ServerOptions } from 'roomkey';

/** Roomkey answers at its own paths; all others are the application's. */
export async function mount(options: ServerOptions) {
	const http = createHttpServer((_request, response) => response.end('my own page'));
	const server = await createServer({ ...options, server: http });
	return { http, server };
}
