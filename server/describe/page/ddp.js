/** The DDP connection of the page. The first call or subscription opens it. */
import { currentCredentials, onChange } from './credentials.js';

const ANSWER_TIMEOUT_MS = 60_000;

let lastId = 0;
/** @type {Promise<Connection> | undefined} */
let connection;

class Connection {
	#socket;
	/** Functions that end a call with a message, by call id. */
	#calls = new Map();
	/** Functions that receive messages, by subscription id. */
	#subs = new Map();
	/** Resolves with this connection when the DDP session has begun. */
	connected;
	/** The promise that `connect` returns for this connection; undefined until the login has succeeded. */
	opening;

	constructor() {
		const url = new URL('websocket', document.baseURI);
		url.protocol = url.protocol.replace('http', 'ws');
		this.#socket = new WebSocket(url);
		this.connected = new Promise((resolve, reject) => {
			this.#socket.addEventListener('open', () => this.#send({ msg: 'connect', version: '1', support: ['1'] }));
			this.#socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(data), resolve));
			this.#socket.addEventListener('close', () => {
				reject(new Error('The server does not accept the connection'));
				this.#end();
			});
		});
	}

	close() {
		this.#socket.close();
	}

	#send(message) {
		this.#socket.send(JSON.stringify(message));
	}

	#end() {
		if (connection === this.opening) connection = undefined;
		for (const settle of this.#calls.values()) settle({ error: { reason: 'The connection has closed' } });
		for (const listen of this.#subs.values()) listen({ msg: 'nosub', reason: 'The connection has closed' });
	}

	#receive(message, onConnected) {
		const { msg, id } = message;
		if (msg === 'connected') onConnected(this);
		else if (msg === 'ping') this.#send({ msg: 'pong', ...(id !== undefined && { id }) });
		else if (msg === 'result') this.#calls.get(id)?.(message);
		else if (msg === 'ready') for (const sub of message.subs) this.#subs.get(sub)?.(message);
		else if (msg === 'nosub') this.#subs.get(id)?.(message);
		else if (['added', 'changed', 'removed'].includes(msg)) for (const listen of this.#subs.values()) listen(message);
	}

	call(method, params) {
		const id = String(++lastId);
		return new Promise((resolve) => {
			const settle = (message) => {
				clearTimeout(timer);
				this.#calls.delete(id);
				resolve(message);
			};
			const timer = setTimeout(() => settle({ error: { reason: 'There was no answer in time' } }), ANSWER_TIMEOUT_MS);
			this.#calls.set(id, settle);
			this.#send({ msg: 'method', id, method, params });
		});
	}

	subscribe(name, params, listen) {
		const id = String(++lastId);
		this.#subs.set(id, (message) => {
			if (message.msg === 'nosub') this.#subs.delete(id);
			listen(message);
		});
		this.#send({ msg: 'sub', id, name, params });
		return () => this.#send({ msg: 'unsub', id });
	}
}

async function open() {
	const created = new Connection();
	const opened = await created.connected;
	const credentials = currentCredentials();
	if (credentials) {
		const { error } = await opened.call('login', [{ resume: credentials.authToken }]);
		if (error) {
			opened.close();
			throw new Error(`The login over DDP failed: ${error.reason ?? error.error}`);
		}
	}
	return opened;
}

/** The connection, logged in with the credentials of the page. */
function connect() {
	if (!connection) {
		const opening = open();
		connection = opening;
		opening.then(
			(opened) => {
				opened.opening = opening;
			},
			() => {
				if (connection === opening) connection = undefined;
			},
		);
	}
	return connection;
}

// Other credentials need a new connection.
onChange(() => {
	connection?.then((opened) => opened.close()).catch(() => {});
	connection = undefined;
});

/** @returns the call as text, whether it has failed, and its result or error */
export async function callDdp(method, params) {
	const opened = await connect();
	const { result, error } = await opened.call(method, params);
	const status = error ? `error ${error.error ?? ''}` : 'result';
	return {
		title: `${method}(${params.map((param) => JSON.stringify(param)).join(', ')})`,
		status,
		isError: Boolean(error),
		answer: error ?? result,
	};
}

/**
 * @param listen receives every message that may belong to the subscription
 * @returns a function that ends the subscription
 */
export async function subscribe(name, params, listen) {
	const opened = await connect();
	return opened.subscribe(name, params, listen);
}
