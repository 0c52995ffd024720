/** Handles requests that offer an upgrade to an unsupported protocol, such as `Upgrade: h2c`. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { afterAnswers } from './afterAnswers.js';

/** Whether a request asks for a WebSocket. */
export function offersWebSocket({ headers }: IncomingMessage): boolean {
	return (headers.upgrade ?? '').split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket');
}

const OFFER_HEADERS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
	const lines = [`${method} ${url} HTTP/${httpVersion}`];
	for (let i = 0; i < rawHeaders.length; i += 2) {
		const [name, value] = [rawHeaders[i] as string, rawHeaders[i + 1] as string];
		const lowerName = name.toLowerCase();
		if (OFFER_HEADERS.has(lowerName)) continue;
		if (lowerName !== 'connection') {
			lines.push(`${name}: ${value}`);
			continue;
		}
		// `Connection` also names the headers of the offer.
		const otherOptions = value.split(',').filter((option) => !OFFER_HEADERS.has(option.trim().toLowerCase()));
		if (otherOptions.length > 0) lines.push(`${name}: ${otherOptions.join(',')}`);
	}
	return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Serves a request as if it had not offered an upgrade, as HTTP allows (RFC 9110, 7.8). Node has already detached its
 * parser from the socket, and the body is unread. When earlier requests are answered, the request without the offer is
 * put back before its body. Then the socket is passed to the server again.
 */
export function declineUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
	afterAnswers(socket, () => {
		socket.unshift(Buffer.concat([Buffer.from(headWithoutOffer(request), 'latin1'), head]));
		// The event `connection` of a server with TLS would begin another handshake.
		server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
	});
}
