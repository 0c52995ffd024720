/**
 * Ends a test run whose event loop is blocked, and prints the test and the stack. Mocha's own time limits need the
 * event loop.
 */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** How long the event loop may be blocked, in ms. No test blocks it for a tenth of this, even on a busy machine. */
const TIMEOUT_MS = 60_000;

/** Time between two heartbeats of the main thread, in ms. */
const HEARTBEAT_MS = 1000;

const MAX_TITLE_BYTES = 1024;

/** Memory of both threads: the number of heartbeats, and the title of the running test in UTF-8. */
interface SharedMemory {
	readonly heartbeats: Int32Array;
	readonly title: Uint8Array;
}

/** Writes to stderr without the console, which in a worker needs the main thread. */
const print = (text: string) => writeSync(2, `${text}\n`);

function abort(title: string): void {
	print(`The event loop has been blocked for ${TIMEOUT_MS / 1000} s in: ${title}`);
	const session = new Session();
	session.connectToMainThread();
	session.on('Debugger.paused', ({ params }) => {
		for (const { functionName, url, location } of params.callFrames) {
			print(`    at ${functionName || '(anonymous)'} (${url}:${location.lineNumber + 1})`);
		}
	});
	session.post('Debugger.enable');
	session.post('Debugger.pause');
	// Ends the process even if native code keeps the main thread from pausing.
	setTimeout(() => process.kill(process.pid, 'SIGKILL'), HEARTBEAT_MS);
}

function watch({ heartbeats, title }: SharedMemory): void {
	let last = -1;
	let blocked = 0;
	const timer = setInterval(() => {
		const now = Atomics.load(heartbeats, 0);
		blocked = now === last ? blocked + HEARTBEAT_MS : 0;
		last = now;
		if (blocked < TIMEOUT_MS) return;
		clearInterval(timer);
		abort(new TextDecoder().decode(title.slice()).split('\0', 1)[0] as string);
	}, HEARTBEAT_MS);
}

const shared: SharedMemory = isMainThread
	? {
			heartbeats: new Int32Array(new SharedArrayBuffer(4)),
			title: new Uint8Array(new SharedArrayBuffer(MAX_TITLE_BYTES)),
		}
	: workerData;

if (isMainThread) {
	setInterval(() => Atomics.add(shared.heartbeats, 0, 1), HEARTBEAT_MS).unref();
	new Worker(new URL(import.meta.url), { workerData: shared }).unref();
} else {
	watch(shared);
}

export const mochaHooks = {
	beforeEach(this: Mocha.Context): void {
		shared.title.fill(0);
		new TextEncoder().encodeInto(this.currentTest?.fullTitle() ?? '', shared.title);
	},
};
