/** What a start costs, from the command to the first answer, beside a bare `ws` server's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from './processes.js';

const ROUNDS = 7;

const BARE = `import { WebSocketServer } from 'ws';
import { createServer } from 'node:http';
const server = createServer((_, response) => response.end('{}'));
new WebSocketServer({ server });
server.listen(0, '127.0.0.1', () => console.log('on http://127.0.0.1:' + server.address().port));`;

const main = fileURLToPath(new URL('../../server/cli/main.js', import.meta.url));

interface Start {
	/** Time to the first answer, in ms. */
	readonly time: number;
	/** Memory at that moment, in MB; NaN where the system does not report it. */
	readonly memory: number;
}

async function start(args: string[]): Promise<Start> {
	const began = performance.now();
	const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
	const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
	await (await fetch(`${line.slice(line.indexOf('http'))}/api/info`)).text();
	const time = performance.now() - began;
	const memory = measureMemory(child);
	const ended = once(child, 'exit');
	child.kill();
	await ended;
	return { time, memory };
}

function measureMemory({ pid }: ChildProcess): number {
	try {
		return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
	} catch {
		return Number.NaN;
	}
}

/** Prints the table. */
export async function benchStart(): Promise<void> {
	const kinds = {
		'bare ws': ['--input-type=module', '-e', BARE],
		'roomkey --memory': [main, '--memory', '--port', '0'],
	};
	console.log('| Server | first answer ms | RSS MB |');
	console.log('|---|---|---|');
	for (const [name, args] of Object.entries(kinds)) {
		const starts: Start[] = [];
		for (let i = 0; i < ROUNDS; i++) starts.push(await start(args));
		const cells = [median(starts.map(({ time }) => time)), median(starts.map(({ memory }) => memory))];
		console.log(`| ${name} | ${cells.map((n) => n.toFixed(0)).join(' | ')} |`);
	}
}
