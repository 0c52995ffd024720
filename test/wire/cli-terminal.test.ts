/** What `roomkey` asks on a terminal, which the program `script` makes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';

const main = resolve('dist/server/cli/main.js');

class Terminal {
	readonly child: ChildProcessWithoutNullStreams;
	shown = '';

	constructor(line: string) {
		this.child = spawn('script', ['-qec', `${process.execPath} ${main} ${line}`, '/dev/null']);
		this.child.stdout.on('data', (chunk) => {
			this.shown += chunk;
		});
	}

	/** Waits until the terminal shows `prompt`, and types `text`. */
	async answer(prompt: string, text: string): Promise<void> {
		while (!this.shown.includes(prompt)) {
			if (this.child.exitCode !== null) throw new Error(`the command ended: ${this.shown}`);
			await once(this.child.stdout, 'data');
		}
		this.child.stdin.write(`${text}\n`);
	}

	async ended(): Promise<number | null> {
		if (this.child.exitCode === null) await once(this.child, 'close');
		return this.child.exitCode;
	}
}

describe('roomkey on a terminal', () => {
	let folder: string;

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
	});
	afterEach(() => rm(folder, { recursive: true }));

	const roomkey = (line: string) => new Terminal(`${line} --data ${folder}/data`);

	async function addRoot(first: string, second: string) {
		const terminal = roomkey('user add root --role admin');
		await terminal.answer('New password of root: ', first);
		await terminal.answer('The same again: ', second);
		return { status: await terminal.ended(), shown: terminal.shown };
	}

	it('asks for a new password twice, and shows neither', async () => {
		const wrong = await addRoot('horse-battery-1', 'horse-battery-2');
		expect(wrong.status).to.equal(1);
		expect(wrong.shown).to.include('The two passwords differ').and.not.include('horse-battery');
		const { status, shown } = await addRoot('horse-battery-1', 'horse-battery-1');
		expect(status).to.equal(0);
		expect(shown).to.include('Made the first admin root').and.not.include('horse-battery');
	});

	it('asks before it deletes a user', async () => {
		await addRoot('horse-battery-1', 'horse-battery-1');
		const made = roomkey('user add bob --email bob@example.com --generate-password');
		expect(await made.ended()).to.equal(0);
		for (const [answer, status, text] of [
			['no', 1, 'Nothing was done'],
			['yes', 0, 'Deleted bob'],
		] as const) {
			const terminal = roomkey('user remove bob');
			await terminal.answer('(yes/no)', answer);
			expect(await terminal.ended()).to.equal(status);
			expect(terminal.shown).to.include(text);
		}
	});
});
