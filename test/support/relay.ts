/** A TCP relay to a server, such as a database. A test can cut its connections. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Relay {
	readonly port: number;
	/** Breaks all connections, and refuses new ones. */
	cut(): void;
	/** Accepts connections again. */
	restore(): void;
	close(): Promise<void>;
}

/** Starts a relay to ports of this machine. It passes connections to the ports in turn. */
export async function startRelay(...targets: readonly number[]): Promise<Relay> {
	const sockets = new Set<Socket>();
	let isCut = false;
	let connections = 0;
	const keep = (socket: Socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
	};
	const server = createServer((client) => {
		keep(client);
		if (isCut) {
			client.destroy();
			return;
		}
		const target = connect(targets[connections++ % targets.length] as number, '127.0.0.1');
		keep(target);
		client.pipe(target).pipe(client);
		client.on('close', () => target.destroy());
		target.on('close', () => client.destroy());
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const cut = () => {
		isCut = true;
		for (const socket of sockets) socket.destroy();
	};
	return {
		port: (server.address() as AddressInfo).port,
		cut,
		restore() {
			isCut = false;
		},
		async close() {
			cut();
			server.close();
			await once(server, 'close');
		},
	};
}
