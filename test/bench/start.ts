/** The cost of a start, from the command to the first answer, compared with that of a bare `ws` server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
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

const distFolder = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles the command as in the package. @returns the path of the bundled command */
function bundle(): string {
	const folder = `${distFolder}packed`;
	execFileSync('npm', ['run', '--silent', 'bundle', '--', folder]);
	return `${folder}/server/cli/main.js`;
}

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
		'roomkey --memory, as in the package': [bundle(), '--memory', '--port', '0'],
		'roomkey --memory, in a clone': [`${distFolder}server/cli/main.js`, '--memory', '--port', '0'],
	};
	const starts = new Map<string, Start[]>(Object.keys(kinds).map((name) => [name, []]));
	// In turn, so that a busy moment of the machine slows all kinds.
	for (let i = 0; i < ROUNDS; i++) {
		for (const [name, args] of Object.entries(kinds)) starts.get(name)?.push(await start(args));
	}
	const medianOf = (name: string, key: keyof Start) => median((starts.get(name) ?? []).map((start) => start[key]));
	console.log('| Server | first answer ms | ratio | RSS MB | ratio |');
	console.log('|---|---|---|---|---|');
	for (const name of starts.keys()) {
		const cells = (['time', 'memory'] as const).flatMap((key) => {
			const value = medianOf(name, key);
			return [value.toFixed(0), (value / medianOf('bare ws', key)).toFixed(2)];
		});
		console.log(`| ${name} | ${cells.join(' | ')} |`);
	}
}
