/** A server that is wrong in one way: a proxy before a right one, which changes what that sends. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** What one connection sends to the client instead of a frame of the server. Keeps what it must know of the connection. */
export type Tamper = (frame: string) => readonly string[];

export interface WrongServer {
	readonly url: string;
	close(): Promise<void>;
}

/** The fault of a server. */
export interface Fault {
	/** Makes the change of what a new connection receives. */
	readonly tamper?: () => Tamper;
	/** What the server closes connections with, where it closes them itself. */
	readonly closeCode?: number;
	/** True: it keeps connections that it should close. */
	readonly keepsOpen?: boolean;
	/** True: it closes a connection instead of sending a frame that has been changed into nothing. */
	readonly closesInstead?: boolean;
}

/** @param url of the right server */
export async function startWrongServer(url: string, fault: Fault): Promise<WrongServer> {
	const http = createServer();
	const sockets = new WebSocketServer({ server: http });
	sockets.on('connection', (client, request) => {
		const server = new WebSocket(url.replace('/websocket', String(request.url)));
		const tamper = fault.tamper?.() ?? ((frame: string) => [frame]);
		const early: { data: Buffer; binary: boolean }[] = [];
		client.on('message', (data, binary) => {
			if (server.readyState === WebSocket.OPEN) server.send(data as Buffer, { binary });
			else early.push({ data: data as Buffer, binary });
		});
		server.on('open', () => {
			for (const { data, binary } of early) server.send(data, { binary });
		});
		server.on('message', (data) => {
			const frames = tamper(String(data));
			for (const frame of frames) client.send(frame);
			if (frames.length === 0 && fault.closesInstead) client.close(1000);
		});
		server.on('close', (code, reason) => {
			if (!fault.keepsOpen) client.close(fault.closeCode ?? code, reason);
		});
		server.on('error', () => client.terminate());
		client.on('close', () => server.close(1000));
		client.on('error', () => server.terminate());
	});
	await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
	return {
		url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/websocket`,
		async close() {
			for (const client of sockets.clients) client.terminate();
			await new Promise((resolve) => http.close(resolve));
		},
	};
}
