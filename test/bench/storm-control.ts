/**
 * The control of the storm bench: a bare `ws` server with Roomkey's admission. It shows how much the returning clients
 * alone slow down the machine.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { Admission } from '../../server/core/admission.js';
import type { StormReady } from './storm-server.js';

const NO_LIMIT = Number.POSITIVE_INFINITY;
const perSecond = Number(process.env.ROOMKEY_STORM_PER_SECOND ?? 200);
const admission = new Admission({ max: NO_LIMIT, maxPerAddress: NO_LIMIT, perSecond, isOverloaded: () => false });
const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });

const server = createServer();
server.on('upgrade', (request, socket, head) => {
	socket.on('error', () => {});
	let isDecided = false;
	const leave = admission.request(null, (refused) => {
		isDecided = true;
		if (refused) {
			socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
			return;
		}
		webSockets.handleUpgrade(request, socket, head, (webSocket) => {
			webSocket.on('error', () => {});
			webSocket.on('message', (data) => {
				const isConnect = String(data).startsWith('{"msg":"connect"');
				webSocket.send(isConnect ? '{"msg":"connected","session":"1"}' : '{"msg":"result","id":"login"}');
			});
		});
	});
	socket.on('close', () => {
		if (!isDecided) leave?.();
	});
});
server.listen(0, '127.0.0.1', () => {
	process.send?.({ port: (server.address() as AddressInfo).port } satisfies StormReady);
});
process.on('disconnect', () => process.exit());
