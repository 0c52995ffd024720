/** Serves the files of the reference page at `/api-docs`. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { packageFile } from './files.js';
import { addFileRoute, makeServedFile } from './serve.js';

export const PAGE_PATH = '/api-docs';

/** The page loads nothing from other hosts, and they cannot embed it. It has no inline script or style. */
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

/**
 * The location of a file. The build always compiles `typeText.ts`, because the server imports it too. In an installed
 * package, the other files are in the build output as well, minified.
 */
function locationOf(name: string): URL {
	if (name === 'typeText.js') return packageFile('dist/server/describe/typeText.js');
	const minified = packageFile(`dist/server/describe/page/${name}`);
	return existsSync(minified) ? minified : packageFile(`server/describe/page/${name}`);
}

async function pageFile(name: string) {
	const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] as string;
	return { ...(await makeServedFile(type, await readFile(locationOf(name), 'utf8'))), headers: HEADERS };
}

/** Adds the routes of the page. */
export function servePage(app: FastifyInstance): void {
	addFileRoute(app, PAGE_PATH, () => pageFile('index.html'));
	for (const name of FILES) addFileRoute(app, `${PAGE_PATH}/${name}`, () => pageFile(name));
}
