/**
 * Ends a test run whose event loop does not turn any more, and says in which test and where. Mocha's time limits need the
 * loop: what keeps it for ever, be it a step that never ends or microtasks without end, would let a run wait for ever too.
 */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** How long the loop may stand still, in ms. Nothing here takes a tenth of it, on however busy a machine. */
const TIMEOUT_MS = 60_000;

/** Time between two signs of life, in ms. */
const BEAT = 1000;

/** Longest title kept, in bytes. */
const TITLE = 1024;

/** The number of beats, and the title of the test that runs, in UTF-8. */
interface Shared {
	readonly beats: Int32Array;
	readonly title: Uint8Array;
}

/** Past the console, which in a worker goes by way of the main thread. */
const say = (text: string) => writeSync(2, `${text}\n`);

/** Tells where the main thread is, and ends the process. */
function bark(title: string): void {
	say(`The event loop has stood still for ${TIMEOUT_MS / 1000} s in: ${title}`);
	const session = new Session();
	session.connectToMainThread();
	session.on('Debugger.paused', ({ params }) => {
		for (const { functionName, url, location } of params.callFrames) {
			say(`    at ${functionName || '(anonymous)'} (${url}:${location.lineNumber + 1})`);
		}
	});
	session.post('Debugger.enable');
	session.post('Debugger.pause');
	// What is stuck in native code cannot be paused.
	setTimeout(() => process.kill(process.pid, 'SIGKILL'), BEAT);
}

function watch({ beats, title }: Shared): void {
	let last = -1;
	let still = 0;
	const timer = setInterval(() => {
		const now = Atomics.load(beats, 0);
		still = now === last ? still + BEAT : 0;
		last = now;
		if (still < TIMEOUT_MS) return;
		clearInterval(timer);
		bark(new TextDecoder().decode(title.slice()).split('\0', 1)[0] as string);
	}, BEAT);
}

const shared: Shared = isMainThread
	? { beats: new Int32Array(new SharedArrayBuffer(4)), title: new Uint8Array(new SharedArrayBuffer(TITLE)) }
	: workerData;

if (isMainThread) {
	setInterval(() => Atomics.add(shared.beats, 0, 1), BEAT).unref();
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
