/** deploy/caddy/Caddyfile with the real Caddy. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CERTIFICATE, describeProxy, KEY } from './behindProxy.js';
import { caddyEnv } from './folders.js';
import { Program } from './processes.js';
import { replaced } from './replaced.js';

const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-caddy-'));
after(() => rmSync(folder, { recursive: true }));

describeProxy('Caddy', async (port, upstream) => {
	const site = replaced(readFileSync('deploy/caddy/Caddyfile', 'utf8'), [
		[/reverse_proxy 127\.0\.0\.1:3000/, `reverse_proxy 127.0.0.1:${upstream}`],
		[/chat\.example\.com \{/, `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${CERTIFICATE} ${KEY}`],
	]);
	const file = path.join(folder, 'Caddyfile');
	// Options with which Caddy neither fetches a certificate nor listens at other ports.
	writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
	return Program.start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], caddyEnv(folder));
});
