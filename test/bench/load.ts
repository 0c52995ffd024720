/** Opens connections to a server, each of which makes calls. */
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';

export interface Caller {
	call(): void;
	close(): void;
}

/** Opens a connection. `answered` is called at each answer. */
export type OpenCaller = (answered: () => void) => Promise<Caller>;

/** A DDP connection that makes the same call again and again. */
export function ddpCaller(port: number, method: string, params: readonly string[], resume?: string): OpenCaller {
	const call = `{"msg":"method","method":"${method}","params":${JSON.stringify(params)}`;
	return ddpConnection(port, () => call, resume);
}

/**
 * A DDP connection. Only the `result` of a call counts as an answer. `answered` receives its text.
 * @param next returns the message of the next call without its id and its closing brace
 * @param resume a login token
 */
export function ddpConnection(
	port: number,
	next: () => string,
	resume?: string,
): (answered: (result: string) => void) => Promise<Caller> {
	return (answered) =>
		new Promise((resolve, reject) => {
			const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { perMessageDeflate: false });
			let id = 0;
			const caller = { call: () => socket.send(`${next()},"id":"${++id}"}`), close: () => socket.terminate() };
			const logIn = { msg: 'method', method: 'login', params: [{ resume }], id: 'login' };
			socket.on('error', reject);
			socket.on('open', () => socket.send('{"msg":"connect","version":"1","support":["1"]}'));
			socket.on('message', (data) => {
				const text = String(data);
				if (text.startsWith('{"msg":"connected"')) {
					if (resume === undefined) resolve(caller);
					else socket.send(JSON.stringify(logIn));
				} else if (text.startsWith('{"msg":"result","id":"login"')) {
					resolve(caller);
				} else if (text.startsWith('{"msg":"result"')) {
					answered(text);
				}
			});
		});
}

/**
 * A keep-alive HTTP connection. Each piece of data counts as an answer, so answers must be short.
 * @param body the body of a POST; undefined for a GET
 */
export function restCaller(
	port: number,
	path: string,
	body: object | undefined,
	headers: Record<string, string> = {},
): OpenCaller {
	const text = body ? JSON.stringify(body) : '';
	const lines = Object.entries({
		host: `127.0.0.1:${port}`,
		...(body && { 'content-type': 'application/json', 'content-length': String(text.length) }),
		...headers,
	}).map(([name, value]) => `${name}: ${value}\r\n`);
	const request = `${body ? 'POST' : 'GET'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`;
	return (answered) =>
		new Promise((resolve, reject) => {
			const socket: Socket = connect(port, '127.0.0.1');
			socket.setNoDelay(true);
			socket.on('error', reject);
			socket.on('data', answered);
			socket.on('connect', () => resolve({ call: () => socket.write(request), close: () => socket.destroy() }));
		});
}

/**
 * With `outstanding`, a connection always waits for so many answers. With `every`, it makes `burst` calls (default: 1)
 * at intervals of so many ms, whether or not earlier calls were answered.
 */
export type Pace = { readonly outstanding: number } | { readonly every: number; readonly burst?: number };

/**
 * Calls a server, and counts the answers.
 * @param duration how long answers are counted, in ms
 * @param around `begin` is awaited before the count, `end` after it
 * @returns the number of answers, and the time in which they came, in ms
 */
export async function load(
	open: OpenCaller,
	{ connections, pace, duration }: { connections: number; pace: Pace; duration: number },
	around: { begin(): Promise<void>; end(): Promise<void> },
): Promise<{ calls: number; elapsed: number }> {
	let calls = 0;
	let running = true;
	const callers: Caller[] = [];
	for (let i = 0; i < connections; i++) {
		const caller = await open(() => {
			calls++;
			if (running && 'outstanding' in pace) caller.call();
		});
		callers.push(caller);
	}
	const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
	const timers: NodeJS.Timeout[] = [];
	if ('outstanding' in pace) {
		for (const caller of callers) for (let i = 0; i < pace.outstanding; i++) caller.call();
	} else {
		for (const caller of callers) {
			const { every, burst = 1 } = pace;
			const callAll = () => {
				for (let i = 0; i < burst; i++) caller.call();
			};
			timers.push(setInterval(callAll, every));
			// So that the connections do not call at the same moments.
			await pause(pace.every / connections);
		}
	}
	// The first calls compile code and do not count.
	await pause(duration / 4);
	await around.begin();
	calls = 0;
	const started = performance.now();
	await pause(duration);
	const counted = { calls, elapsed: performance.now() - started };
	await around.end();
	running = false;
	for (const timer of timers) clearInterval(timer);
	for (const caller of callers) caller.close();
	return counted;
}
