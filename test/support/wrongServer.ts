/** A server with one fault: a proxy that changes what a correct server sends. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** Returns the frames that the client receives instead of a frame of the server. */
export type Tamper = (frame: string) => readonly string[];

export interface WrongServer {
	readonly url: string;
	close(): Promise<void>;
}

export interface Fault {
	/** Makes the function that changes the frames of a new connection. */
	readonly tamper?: () => Tamper;
	/** The close code that clients receive instead of the server's. */
	readonly closeCode?: number;
	/** Whether connections stay open that the correct server closes. */
	readonly keepsOpen?: boolean;
	/** Whether the connection is closed when `tamper` returns no frame. */
	readonly closesInstead?: boolean;
}

/** @param url the address of the correct server */
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
