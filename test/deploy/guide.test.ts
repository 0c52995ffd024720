/** The proxy rules in docs/rocketchat.md with the real nginx and Caddy, which check them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { caddyEnv, nginxTempPaths } from './folders.js';

const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-guide-'));
after(() => rmSync(folder, { recursive: true }));

const guide = readFileSync('docs/rocketchat.md', 'utf8');
const blocksOf = (language: string) =>
	Array.from(guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')), ([, block = '']) => block);

describe('the proxy rules of the guide', () => {
	for (const language of ['nginx', 'caddy']) {
		it(`are there for two set-ups: ${language}`, () => expect(blocksOf(language)).to.have.length(2));
	}

	for (const [i, block] of blocksOf('nginx').entries()) {
		it(`are valid for nginx: set-up ${i + 1}`, () => {
			const file = path.join(folder, `nginx-${i}.conf`);
			const server = `server { listen 127.0.0.1:8080; ${block} }`;
			const http = `http { access_log off; ${nginxTempPaths(folder)} ${server} }`;
			writeFileSync(file, `pid ${folder}/pid;\nerror_log stderr;\nevents {}\n${http}`);
			execFileSync('nginx', ['-t', '-q', '-c', file, '-e', 'stderr'], { stdio: 'pipe' });
		});
	}

	for (const [i, block] of blocksOf('caddy').entries()) {
		it(`are valid for Caddy: set-up ${i + 1}`, () => {
			const file = path.join(folder, `Caddyfile-${i}`);
			writeFileSync(file, `http://localhost:8080 {\n${block}}\n`);
			const env = { ...process.env, ...caddyEnv(folder) };
			execFileSync('caddy', ['validate', '--config', file, '--adapter', 'caddyfile'], { stdio: 'pipe', env });
		});
	}
});
