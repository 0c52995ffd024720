/** What the README shows works as it stands. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import { fillDemo } from '../../server/cli/demo.js';
import { startApp } from '../support/app.js';

const readme = readFileSync('README.md', 'utf8');
const scripts = Array.from(readme.matchAll(/```js\n((?:.|\n)*?)```/g), ([, script]) => script ?? '');

describe('the README', () => {
	let folder: string;
	let child: ChildProcessByStdio<null, Readable, Readable> | undefined;

	/** Runs a script below the project, so that it finds the packages; its lines, as they come. */
	async function* run(script: string, ...args: string[]): AsyncGenerator<string> {
		const file = path.join(folder, 'script.mjs');
		await writeFile(file, script);
		child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
		child.stderr.on('data', (data) => faults.push(String(data)));
		yield* createInterface({ input: child.stdout });
	}

	let faults: string[];
	beforeEach(async () => {
		faults = [];
		folder = await mkdtemp(path.resolve('dist/readme-'));
	});
	afterEach(async () => {
		if (child?.exitCode === null && child.kill()) await once(child, 'close');
		child = undefined;
		await rm(folder, { recursive: true });
	});

	it('shows a DDP call that works against the demo', async () => {
		const app = await startApp();
		await fillDemo(app.store);
		const seen: string[] = [];
		const [script = ''] = scripts;
		for await (const line of run(script.replace('ws://127.0.0.1:3000/websocket', app.webSocketUrl))) {
			seen.push(line);
			if (line.includes('"id":"2"')) break;
		}
		expect(seen.at(-1)).to.equal('{"msg":"result","id":"2"}');
		await app.close();
	});

	it('shows keys that go once around', async () => {
		const script = scripts.find((script) => script.includes('roomkey/e2e')) ?? '';
		const seen: string[] = [];
		for await (const line of run(script)) seen.push(line);
		expect(seen).to.have.length(1);
		expect(seen[0]).to.match(/^hello \d{5}( \d{5}){11}$/);
		expect(faults).to.deep.equal([]);
	});
});
