/** The client of `npm run soak`. It is a process of its own, so that its memory is not measured. */
import { WebSocket } from 'ws';

export interface Job {
	/** `subscribe` is for a live query, `subscribeSlow` for a publication whose `onStop` takes long. */
	readonly what: 'subscribe' | 'connect' | 'subscribeSlow';
	readonly url: string;
	readonly count: number;
}

/** Number of subscriptions or sockets at a time. */
const AT_ONCE = 100;

function connect(url: string): Promise<WebSocket> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url, { perMessageDeflate: false });
		socket.once('error', reject);
		socket.once('open', () => socket.send('{"msg":"connect","version":"1","support":["1"]}'));
		socket.once('message', () => resolve(socket));
	});
}

/** Closes a socket by a TCP reset. An ordinary close keeps the port for a while, and ports would run out. */
function reset(socket: WebSocket): Promise<unknown> {
	const closed = new Promise((resolve) => socket.once('close', resolve));
	(socket as unknown as { _socket: import('node:net').Socket })._socket.resetAndDestroy();
	return closed;
}

/** Calls `start` `count` times, with at most `AT_ONCE` calls under way. */
async function each(count: number, start: (i: number) => Promise<unknown>): Promise<void> {
	let next = 0;
	async function work(): Promise<void> {
		while (next < count) await start(next++);
	}
	await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function connectAndLeave(url: string): Promise<void> {
	await reset(await connect(url));
}

/** Subscribes and unsubscribes `count` times on one socket. */
async function subscribe({ url, count }: Job, name: string): Promise<void> {
	const socket = await connect(url);
	const waiting = new Map<string, () => void>();
	socket.on('message', (data) => {
		const { msg, id, subs } = JSON.parse(String(data));
		if (msg !== 'ready' && msg !== 'nosub') return;
		const key = `${msg} ${msg === 'ready' ? subs[0] : id}`;
		waiting.get(key)?.();
		waiting.delete(key);
	});
	function ask(message: object, answer: string): Promise<void> {
		return new Promise((resolve) => {
			waiting.set(answer, resolve);
			socket.send(JSON.stringify(message));
		});
	}
	await each(count, async (i) => {
		const id = String(i);
		await ask({ msg: 'sub', id, name, params: [] }, `ready ${id}`);
		await ask({ msg: 'unsub', id }, `nosub ${id}`);
	});
	await reset(socket);
}

const jobs: Record<Job['what'], (job: Job) => Promise<void>> = {
	subscribe: (job) => subscribe(job, 'soak.rooms'),
	connect: ({ url, count }) => each(count, () => connectAndLeave(url)),
	subscribeSlow: (job) => subscribe(job, 'soak.slow'),
};

process.on('message', async (job: Job) => {
	await jobs[job.what](job);
	process.send?.('done');
});
process.on('disconnect', () => process.exit());
