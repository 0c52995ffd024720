/** Starts Chromium without a window, and a server for the files that it loads. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { closeServer } from '../../server/http/closeServer.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A host name for this machine whose pages Chromium treats as insecure. */
export const INSECURE_HOST = 'insecure.test';

/** Starts the Chromium at the path in the variable `CHROMIUM`, or an installed one. */
export async function startChromium(): Promise<Browser> {
	const executablePath = [process.env.CHROMIUM ?? '', ...PLACES].find((place) => existsSync(place));
	if (!executablePath) throw new Error('These tests need Chromium: apt-get install chromium, or set CHROMIUM');
	return chromium.launch({
		executablePath,
		args: [
			'--no-sandbox',
			'--disable-gpu',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
			`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
		],
	});
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.json': 'application/json', '.html': 'text/html' };

/** Serves `html` as the page at `/`, and the files in `dist`, `node_modules` and `test`. */
export async function serveFiles(html: string): Promise<{ port: number; close(): Promise<void> }> {
	const server: Server = createServer((request, response) => {
		const name = path.posix.normalize(new URL(request.url ?? '/', 'http://host').pathname);
		if (name === '/') return void response.setHeader('content-type', 'text/html').end(html);
		if (!/^\/(dist|node_modules|test)\//.test(name)) return void response.writeHead(404).end();
		// An import map of the page can give a path without `.js`.
		const file = path.extname(name) === '' ? `.${name}.js` : `.${name}`;
		readFile(file).then(
			(data) => response.setHeader('content-type', TYPES[path.extname(file)] ?? 'text/plain').end(data),
			() => response.writeHead(404).end(),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		port: (server.address() as AddressInfo).port,
		close: () => closeServer(server),
	};
}
