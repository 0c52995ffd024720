/**
 * The server of the tasks and their page: `node examples/tasks/server.mjs`, after `npm run build` in a clone; or with the
 * package, after `npm install -D esbuild simpleddp`, `node node_modules/roomkey/examples/tasks/server.mjs`. The page at its
 * address uses `simpleddp`, a DDP client, without change. Environment: `PORT`, and `DATA`, a folder for what is stored.
 */
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createServer } from 'roomkey';
import { parts } from './tasks.mjs';

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

const { outputFiles } = await build({
	entryPoints: [pathOf('page.mjs')],
	bundle: true,
	format: 'esm',
	write: false,
	define: { global: 'globalThis' },
});
const pages = {
	'/': ['text/html; charset=utf-8', await readFile(pathOf('index.html'))],
	'/page.js': ['text/javascript', outputFiles[0].contents],
};

const http = createHttpServer((request, response) => {
	const [type, content] = pages[request.url] ?? [];
	if (content) response.setHeader('Content-Type', type).end(content);
	else response.writeHead(404).end('Not found');
});
const server = await createServer({
	...parts,
	server: http,
	signUps: true,
	store: process.env.DATA ? { data: process.env.DATA } : { memory: true },
});
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
	console.log(`Tasks at http://127.0.0.1:${http.address().port}`),
);

process.once('SIGTERM', stop).once('SIGINT', stop);

async function stop() {
	http.close();
	await server.close();
	http.closeAllConnections();
}
