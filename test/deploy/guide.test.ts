/** The proxy rules in docs/rocketchat.md, with the real nginx and Caddy. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { fillDemo } from '../../server/start/demo.js';
import { openStore } from '../../server/store/open.js';
import { freePort } from '../support/freePort.js';
import { memoryLog } from '../support/log.js';
import { addMember, addRoom } from '../support/people.js';
import { caddyEnv, nginxTempPaths } from './folders.js';
import { Program } from './processes.js';
import { replaced } from './replaced.js';

const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-guide-'));
after(() => rmSync(folder, { recursive: true }));

const guide = readFileSync('docs/rocketchat.md', 'utf8');
const blocksOf = (language: string) =>
	Array.from(guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')), ([, block = '']) => block);

describe('the proxy rules of docs/rocketchat.md', () => {
	it('cover two set-ups and a mirror for nginx, and two set-ups for Caddy', () => {
		expect([blocksOf('nginx').length, blocksOf('caddy').length]).to.deep.equal([3, 2]);
	});

	for (const [i, block] of blocksOf('nginx').entries()) {
		it(`are valid for nginx: block ${i + 1}`, () => {
			const file = path.join(folder, `nginx-${i}.conf`);
			const server = `server { listen 127.0.0.1:8080; ${block} }`;
			const http = `http { access_log off; ${nginxTempPaths(folder)} ${server} }`;
			writeFileSync(file, `pid ${folder}/pid;\nerror_log stderr;\nevents {}\n${http}`);
			execFileSync('nginx', ['-t', '-q', '-c', file, '-e', 'stderr'], { stdio: 'pipe' });
		});
	}

	for (const [i, block] of blocksOf('caddy').entries()) {
		it(`are valid for Caddy: block ${i + 1}`, () => {
			const file = path.join(folder, `Caddyfile-${i}`);
			writeFileSync(file, `http://localhost:8080 {\n${block}}\n`);
			const env = { ...process.env, ...caddyEnv(folder) };
			execFileSync('caddy', ['validate', '--config', file, '--adapter', 'caddyfile'], { stdio: 'pipe', env });
		});
	}
});

/** Starts a server that answers each request with a text. */
async function answering(text: string): Promise<{ port: number; close: () => void }> {
	const server = createServer((request, response) => request.resume().on('end', () => response.end(text)));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

function startNginx(port: number, rules: string): Program {
	const file = path.join(folder, `nginx-at-${port}.conf`);
	const user = process.getuid?.() === 0 ? 'user root;' : '';
	const http = `http { access_log off; ${nginxTempPaths(folder)} server { listen 127.0.0.1:${port}; ${rules} } }`;
	writeFileSync(file, `daemon off;\n${user}\npid ${file}.pid;\nerror_log stderr;\nevents {}\n${http}`);
	return Program.start('nginx', ['-c', file, '-e', 'stderr']);
}

function startCaddy(port: number, rules: string): Program {
	const file = path.join(folder, `Caddyfile-at-${port}`);
	writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:${port} {\n${rules}}\n`);
	return Program.start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], caddyEnv(folder));
}

describe('a proxy with the rules of docs/rocketchat.md', () => {
	for (const [language, start] of [
		['nginx', startNginx],
		['caddy', startCaddy],
	] as const) {
		for (const [i, requests] of ['only the key calls', 'all requests'].entries()) {
			it(`sends ${requests} to Roomkey: ${language}`, async () => {
				const rocketChat = await answering('rocketchat');
				const roomkey = await answering('roomkey');
				const rules = (blocksOf(language)[i] as string)
					.replaceAll('127.0.0.1:3000', `127.0.0.1:${rocketChat.port}`)
					.replaceAll('127.0.0.1:3001', `127.0.0.1:${roomkey.port}`);
				const port = await freePort();
				const proxy = start(port, rules);
				try {
					await proxy.listening(port);
					const otherCalls = i === 0 ? 'rocketchat' : 'roomkey';
					for (const [url, expected] of [
						['e2e.setRoomKeyID', 'roomkey'],
						['e2e.fetchMyKeys?x=1', 'roomkey'],
						['users.resetE2EKey', 'roomkey'],
						['users.resetE2EKeys', otherCalls],
						['users.info', otherCalls],
						['e2extra', otherCalls],
					] as const) {
						const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${url}`);
						expect(await answer.text(), url).to.equal(expected);
					}
					const url = `http://127.0.0.1:${port}/api/v1/e2e.provideUsersSuggestedGroupKeys`;
					const large = await fetch(url, { method: 'POST', body: 'x'.repeat(3_000_000) });
					expect(await large.text(), 'a body of 3 MB').to.equal('roomkey');
				} finally {
					await proxy.stop();
					rocketChat.close();
					roomkey.close();
				}
			});
		}
	}
});

describe('nginx with the mirror of docs/rocketchat.md', () => {
	it('copies a key call to a server with --shadow, which reports a write that the original lacks', async () => {
		const data = path.join(folder, 'data');
		const { store, close } = await openStore({ kind: 'files', folder: data }, memoryLog());
		await fillDemo(store);
		const alice = { id: 'd26x6zSkaPSe5gCyy', username: 'alice', token: 'Di9OKWzdu7V2vW3lHO0oYLOOr6P2Y0n9zQlx20qn2cU' };
		const rid = await addRoom(store, [], { name: 'mirrored', encrypted: true });
		await addMember(store, rid, alice, { t: 'p', roles: ['owner'] });
		await close();

		const original = await answering('original');
		const [port, upstream] = [await freePort(), await freePort()];
		const block = replaced(blocksOf('nginx').find((each) => each.includes('mirror')) as string, [
			[/127\.0\.0\.1:3000/g, `127.0.0.1:${original.port}`],
			[/127\.0\.0\.1:3001/g, `127.0.0.1:${upstream}`],
		]);
		const main = [path.resolve('dist/server/cli/main.js'), '--data', data, '--port', String(upstream)];
		const roomkey = Program.start(process.execPath, [...main, '--shadow', '--shadow-delay', '50']);
		const nginx = startNginx(port, block);
		try {
			await roomkey.listening(upstream);
			await nginx.listening(port);
			const answer = await fetch(`http://127.0.0.1:${port}/api/v1/e2e.setRoomKeyID`, {
				method: 'POST',
				headers: { 'x-user-id': alice.id, 'x-auth-token': alice.token, 'content-type': 'application/json' },
				body: JSON.stringify({ rid, keyID: 'mirrored-key' }),
			});
			expect([answer.status, await answer.text()]).to.deep.equal([200, 'original']);
			await roomkey.printed('"agrees":false');
			const line = roomkey.output.split('\n').find((each) => each.includes('"agrees":false')) as string;
			const { differences, status, proxyRequestId } = JSON.parse(line);
			expect(differences).to.deep.equal([{ collection: 'rooms', id: rid, field: 'e2eKeyId', found: 'missing' }]);
			expect(status).to.equal(200);
			expect(proxyRequestId).to.match(/^[0-9a-f]{32}$/);
			expect(roomkey.output).not.to.include('mirrored-key');
		} finally {
			await nginx.stop();
			await roomkey.stop();
			original.close();
		}
	});
});
