/** What the README shows works as it stands. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { fillDemo } from '../../server/demo.js';
import { startApp } from '../support/app.js';

const readme = readFileSync('README.md', 'utf8');

describe('the README', () => {
	it('shows a DDP call that works against the demo', async () => {
		const script = /```js\n((?:.|\n)*?)```/.exec(readme)?.[1] ?? '';
		const app = await startApp();
		await fillDemo(app.store);
		// Below the project, so that it finds the package ws.
		const folder = await mkdtemp(path.resolve('dist/readme-'));
		const file = path.join(folder, 'call.mjs');
		await writeFile(file, script.replace('http://127.0.0.1:3000', app.url).replace('ws://127.0.0.1:3000', app.url));
		const child = spawn(process.execPath, [file]);
		const seen: string[] = [];
		for await (const line of createInterface({ input: child.stdout })) {
			seen.push(line);
			if (line.includes('"id":"2"')) break;
		}
		child.kill();
		expect(seen.at(-1)).to.equal('{"msg":"result","id":"2"}');
		await rm(folder, { recursive: true });
		await app.close();
	});
});
