/** A DDP connection: calls methods, subscribes to streams, answers heartbeats. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** An error that a method answered, with its code. */
export class MethodError extends Error {
	constructor({ error, message, reason }) {
		super(message ?? reason ?? String(error));
		this.code = error;
	}
}

/**
 * Connects and waits for the session.
 * @param url such as `ws://127.0.0.1:3000/websocket`
 * @param onEvent called with the name and the arguments of each stream event
 */
export async function connect(url, onEvent = () => {}) {
	const socket = new WebSocket(url);
	const calls = new Map();
	const subscriptions = new Map();
	const send = (message) => socket.send(JSON.stringify(message));
	let number = 0;
	let connected = () => {};
	const session = new Promise((resolve) => {
		connected = resolve;
	});
	socket.on('message', (frame) => {
		const { msg, id, result, error, fields, subs } = JSON.parse(frame);
		if (msg === 'ping') send(id === undefined ? { msg: 'pong' } : { msg: 'pong', id });
		else if (msg === 'connected') connected();
		else if (msg === 'changed' && fields?.args) onEvent(fields.eventName, fields.args);
		else if (msg === 'ready') for (const name of subs) subscriptions.get(name)?.resolve();
		else if (msg === 'nosub') subscriptions.get(id)?.reject(new MethodError(error ?? { error: 'nosub' }));
		else if (msg === 'result') {
			const call = calls.get(id);
			calls.delete(id);
			if (error) call?.reject(new MethodError(error));
			else call?.resolve(result);
		}
	});
	const closed = new Promise((resolve) => socket.once('close', resolve)).then(() => {
		for (const { reject } of [...calls.values(), ...subscriptions.values()]) {
			reject(new Error('The connection has ended'));
		}
		calls.clear();
	});
	await once(socket, 'open');
	send({ msg: 'connect', version: '1', support: ['1'] });
	await Promise.race([
		session,
		closed.then(() => {
			throw new Error('The server refused the session');
		}),
	]);
	return {
		call(method, ...params) {
			const id = String(++number);
			return new Promise((resolve, reject) => {
				calls.set(id, { resolve, reject });
				send({ msg: 'method', id, method, params });
			});
		},
		/** Resolves when the server has confirmed the subscription. A second call for the same events returns the first promise. */
		subscribe(stream, eventName) {
			const known = subscriptions.get(eventName);
			if (known) return known.ready;
			const ready = new Promise((resolve, reject) => {
				subscriptions.set(eventName, { resolve, reject });
			});
			subscriptions.get(eventName).ready = ready;
			send({ msg: 'sub', id: eventName, name: `stream-${stream}`, params: [eventName, false] });
			return ready;
		},
		/** Settles when the connection has ended. */
		closed,
		close: () => socket.close(),
	};
}
