/**
 * Clients that lost their server and return at once. A client that is refused or disconnected tries again as Meteor's
 * client does. A message begins the storm.
 */
import { setPriority } from 'node:os';
import { WebSocket } from 'ws';
import { spreadOverTurns } from '../../server/core/turns.js';

export interface StormOrder {
	readonly port: number;
	readonly tokens: readonly string[];
}

export interface StormReport {
	/** Time until the login of each client was answered, in ms, the shortest first. */
	readonly times: readonly number[];
	/** How often a connection was refused, or lost before its login was answered. */
	readonly refused: number;
	readonly failedLogins: number;
	/** Connections that are open when all logins have been answered. */
	readonly open: number;
}

// The waits of Meteor's client between two attempts.
const SHORT_ATTEMPTS = 2;
const SHORT_MS = 10;
const BASE_MS = 1000;
const FACTOR = 2.2;
const MAX_MS = 300_000;

function waitBefore(attempt: number): number {
	if (attempt < SHORT_ATTEMPTS) return SHORT_MS;
	return Math.min(MAX_MS, BASE_MS * FACTOR ** attempt) * (0.75 + Math.random() / 2);
}

/** Within this time the clients notice that the server is there again. */
const NOTICE_MS = 1000;

// With this low priority, the clients take little CPU time from the server and the measured sessions.
setPriority(10);

/**
 * Begins an attempt, but only a few in one turn of the event loop. Otherwise thousands of requests would arrive in one
 * turn of the server. Requests of clients on separate machines arrive in many turns.
 */
const beginAttempt = spreadOverTurns<() => void>({ perTurn: 3, maxWaiting: Number.POSITIVE_INFINITY }, (attempt) =>
	attempt(),
);

const sockets = new Set<WebSocket>();
let refused = 0;
let failedLogins = 0;

/** Connects and logs in once. Resolves with whether the login was answered, even if by an error. */
function attempt(port: number, token: string): Promise<boolean> {
	return new Promise((resolve) => beginAttempt(() => connect(port, token, resolve)));
}

function connect(port: number, token: string, resolve: (isAnswered: boolean) => void): void {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { perMessageDeflate: false });
	socket.on('error', () => {});
	socket.on('close', () => {
		sockets.delete(socket);
		resolve(false);
	});
	socket.on('open', () => {
		sockets.add(socket);
		socket.send('{"msg":"connect","version":"1","support":["1"]}');
	});
	socket.on('message', (data) => {
		const text = String(data);
		if (text.startsWith('{"msg":"connected"')) {
			socket.send(JSON.stringify({ msg: 'method', method: 'login', params: [{ resume: token }], id: 'login' }));
		} else if (text.startsWith('{"msg":"result","id":"login"')) {
			if (text.includes('"error"')) failedLogins++;
			resolve(true);
		} else if (text.startsWith('{"msg":"ping"')) {
			socket.send('{"msg":"pong"}');
		}
	});
}

async function comeBack(port: number, token: string): Promise<number> {
	await new Promise((resolve) => setTimeout(resolve, NOTICE_MS * Math.random()));
	const began = performance.now();
	for (let i = 0; !(await attempt(port, token)); i++) {
		refused++;
		await new Promise((resolve) => setTimeout(resolve, waitBefore(i)));
	}
	return performance.now() - began;
}

process.on('message', async ({ port, tokens }: StormOrder) => {
	const times = await Promise.all(tokens.map((token) => comeBack(port, token)));
	times.sort((a, b) => a - b);
	process.send?.({ times, refused, failedLogins, open: sockets.size } satisfies StormReport);
});
process.on('disconnect', () => process.exit());
