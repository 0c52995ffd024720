/** The reference page at `/api-docs`: its files, all of this server, and the headers that keep it to itself. */
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { packageFile } from './files.js';
import { servedFile, serveFile } from './serve.js';

export const PAGE_PATH = '/api-docs';

/** Nothing is loaded from, sent to or embedded by another host, and no script or style stands in the page itself. */
const POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join('; ');

const HEADERS = {
	'content-security-policy': POLICY,
	'referrer-policy': 'no-referrer',
	'cross-origin-opener-policy': 'same-origin',
};

const TYPES: Readonly<Record<string, string>> = {
	html: 'text/html; charset=utf-8',
	js: 'text/javascript; charset=utf-8',
	css: 'text/css; charset=utf-8',
	svg: 'image/svg+xml',
};

/** The files beside the page. */
const FILES = [
	'page.js',
	'elements.js',
	'credentials.js',
	'entries.js',
	'console.js',
	'fields.js',
	'rest.js',
	'ddp.js',
	'typeText.js',
	'page.css',
	'icon.svg',
];

/** The one file that is built is a module of the server too. */
function placeOf(name: string): URL {
	return packageFile(name === 'typeText.js' ? 'dist/server/describe/typeText.js' : `server/describe/page/${name}`);
}

async function pageFile(name: string) {
	const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] as string;
	return { ...(await servedFile(type, await readFile(placeOf(name), 'utf8'))), headers: HEADERS };
}

/** Adds the page. */
export function servePage(app: FastifyInstance): void {
	serveFile(app, PAGE_PATH, () => pageFile('index.html'));
	for (const name of FILES) serveFile(app, `${PAGE_PATH}/${name}`, () => pageFile(name));
}
