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
import { Member } from '../support/member.js';
import { addPerson } from '../support/people.js';
import { doors } from '../support/transports.js';

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

	it('shows a bot that takes the key of a room and gives it to whoever waits', async () => {
		const app = await startApp();
		const people = [await addPerson(app.store), await addPerson(app.store)] as const;
		const bot = await addPerson(app.store, { username: 'bot', password: 'bot' });
		const [alice, carol] = await Promise.all(
			people.map(async (person) => {
				const member = new Member(await doors['over REST'](app.url, person), 'a passphrase', 'v2');
				await member.makeIdentity();
				return member;
			}),
		);
		if (!alice || !carol) throw new Error('nobody is there');
		const { group } = await alice.door.call('groups.create', {
			name: 'served',
			members: [bot.username],
			extraData: { encrypted: true },
		});
		const rid = group._id;
		await alice.keyRoom(rid);
		const content = await alice.write(rid, 'the bot need not know');

		const script = scripts.find((script) => script.includes('e2e.provideUsersSuggestedGroupKeys')) ?? '';
		const lines = run(script, app.webSocketUrl, 'bot', 'bot', 'its own passphrase');
		const place = () => app.store.subscriptions.findOne({ rid, 'u._id': bot.id });
		// It says so each time it is told of its place.
		const hear = async (awaited: string) => {
			for (;;) {
				const { value, done } = await lines.next();
				if (value === `${awaited} the key of ${rid}`) return;
				if (done) throw new Error(`the bot has ended: ${faults}`);
			}
		};
		await hear('lacks');
		await alice.serve(rid);
		await hear('has');
		expect(await place()).to.have.property('E2EKey');

		// Alice is not there any more when carol comes.
		await alice.door.call('groups.invite', { roomId: rid, userId: carol.id });
		await hear('has given');
		await carol.accept(rid);
		expect(await carol.read(rid, content)).to.equal('the bot need not know');
		expect(faults).to.deep.equal([]);
		await app.close();
	});
});
