/** Runs the instructions of deploy/docker/Dockerfile in a bare Debian. */
import { mkdirSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { freePort } from '../support/freePort.js';
import { rejection } from '../support/rejection.js';
import { buildImage, execute, makeBase, type Stage } from './dockerfile.js';
import type { Program } from './processes.js';

describe('the Dockerfile', function () {
	// Long, because Debian and all packages are installed.
	this.timeout(900_000);
	const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-docker-'));
	let image: Stage;
	let running: Program | undefined;
	let port: number;

	before(async () => {
		const context = path.join(folder, 'context');
		mkdirSync(context);
		// Unlike Docker, this copy leaves out what git ignores, not what Dockerfile.dockerignore names.
		const files = 'git ls-files -z --cached --others --exclude-standard';
		await execute('bash', ['-c', `${files} | tar cf - --null --files-from=- | tar xf - -C "${context}"`]);
		const base = path.join(folder, 'base');
		await makeBase(base);
		image = await buildImage('deploy/docker/Dockerfile', base, context, folder);
		port = await freePort();
	});
	afterEach(async () => {
		await running?.stop();
		running = undefined;
	});
	after(() => execute('rm', ['-rf', folder]));

	const address = () => ({ BIND_IP: '127.0.0.1', PORT: String(port) });

	async function start(env: Record<string, string> = {}): Promise<void> {
		running = image.start({ ...address(), ...env });
		await running.listening(port);
	}

	it('has an ignore file with .git, node_modules and dist', () => {
		const ignored = readFileSync('deploy/docker/Dockerfile.dockerignore', 'utf8').trim().split('\n');
		expect(ignored).to.include.members(['.git', 'node_modules', 'dist']);
	});

	it('makes an image without development packages, in which Roomkey takes less than 150 MB', async () => {
		const [kilobytes] = (await execute('du', ['-sk', path.join(image.folder, 'opt/roomkey')])).split('\t');
		expect(Number(kilobytes)).to.be.below(150_000);
		expect(() => statSync(path.join(image.folder, 'opt/roomkey/node_modules/typescript'))).to.throw('ENOENT');
	});

	it('makes an unprivileged container that keeps its data in the volume and ends at SIGTERM', async () => {
		expect(image.user).to.equal('roomkey');
		await start({ ADMIN_PASS: 'a password for the test', ADMIN_EMAIL: 'root@example.com' });
		expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).to.equal(200);
		expect((await fetch(`http://127.0.0.1:${port}/api-docs`)).status).to.equal(200);
		expect(await running?.stop()).to.equal(0);
		const { uid, mode } = statSync(path.join(image.folder, 'var/lib/roomkey/data'));
		expect({ uid, mode: mode & 0o777 }).to.deep.equal({ uid: 10001, mode: 0o700 });
		await start();
		const login = { user: 'admin', password: 'a password for the test' };
		const headers = { 'content-type': 'application/json' };
		const answer = await fetch(`http://127.0.0.1:${port}/api/v1/login`, {
			method: 'POST',
			headers,
			body: JSON.stringify(login),
		});
		expect(answer.status).to.equal(200);
	});

	it('has a health check that passes only while the server runs', async () => {
		expect(await rejection(image.run(image.healthcheck, address()))).to.have.property('code', 1);
		await start();
		await image.run(image.healthcheck, address());
		expect(image.ports).to.deep.equal([3000]);
	});
});
