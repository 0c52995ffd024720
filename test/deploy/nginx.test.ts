/** deploy/nginx/roomkey.conf with the real nginx. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/freePort.js';
import { CERTIFICATE, describeProxy, KEY } from './behindProxy.js';
import { nginxTempPaths } from './folders.js';
import { Program } from './processes.js';
import { replaced } from './replaced.js';

const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-nginx-'));
after(() => rmSync(folder, { recursive: true }));

describeProxy('nginx', async (port, upstream) => {
	const site = replaced(readFileSync('deploy/nginx/roomkey.conf', 'utf8'), [
		[/127\.0\.0\.1:3000;/, `127.0.0.1:${upstream};`],
		[/listen 80;\n\tlisten \[::\]:80;/, `listen 127.0.0.1:${await freePort()};`],
		[/listen 443 ssl http2;\n\tlisten \[::\]:443 ssl http2;/, `listen 127.0.0.1:${port} ssl http2;`],
		[/ssl_certificate \S+;/, `ssl_certificate ${CERTIFICATE};`],
		[/ssl_certificate_key \S+;/, `ssl_certificate_key ${KEY};`],
		[/server_name chat\.example\.com;/g, 'server_name localhost;'],
	]);
	writeFileSync(path.join(folder, 'site.conf'), site);
	const main = [
		'daemon off;',
		...(process.getuid?.() === 0 ? ['user root;'] : []),
		`pid ${folder}/pid;`,
		'error_log stderr;',
		'events {}',
		`http { access_log off; ${nginxTempPaths(folder)} include ${folder}/site.conf; }`,
	];
	const file = path.join(folder, 'nginx.conf');
	writeFileSync(file, main.join('\n'));
	execFileSync('nginx', ['-t', '-q', '-c', file, '-e', 'stderr'], { stdio: 'pipe' });
	return Program.start('nginx', ['-c', file, '-e', 'stderr']);
});
