/** Answers the requests that Node's HTTP parser refuses. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { afterAnswers } from '../core/afterAnswers.js';
import { endWithAnswer, type SecurityHeaders } from '../http/securityHeaders.js';
import { refused } from './envelope.js';

/** The status of a refused request by the code of Node's error. Default 400. */
const RAW_STATUS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** The sockets with a refused request. Their further data is ignored. */
const refusedSockets = new WeakSet<Socket>();

/**
 * Answers a refused request, after the earlier requests of the socket are answered. Errors that are not HTTP's, such as
 * those of a TLS handshake, get no answer.
 */
export function refuseRawRequest(error: NodeJS.ErrnoException, socket: Socket, headers: SecurityHeaders): void {
	const code = error.code ?? '';
	const isHttpError = /^(HPE|ERR_HTTP)_/.test(code);
	if (!isHttpError) {
		socket.destroy();
		return;
	}
	// Node reports the error again for each further piece of data.
	if (refusedSockets.has(socket)) return;
	refusedSockets.add(socket);
	const status = RAW_STATUS[code] ?? 400;
	const { body } = refused(status, STATUS_CODES[status] as string);
	afterAnswers(socket, () => {
		if (socket.writable) endWithAnswer(socket, status, JSON.stringify(body), headers);
		else socket.destroy();
	});
}
