/** Keeps the order of answers on a socket whose HTTP parser is gone or has failed. Node itself then orders nothing. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answer that a socket sends now or next. Node has no public name for it. */
function nextAnswer(socket: Duplex): ServerResponse | null | undefined {
	return (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
}

const ignore = () => {};

/**
 * Calls a function when all completely received requests of a socket are answered: at once if there are none. The
 * answer to an incomplete request is awaited only if it has begun. If the socket closes before that, the function is
 * not called.
 */
export function afterAnswers(socket: Duplex, action: () => void): void {
	const answer = nextAnswer(socket);
	if (socket.destroyed) return;
	if (!answer || !(answer.req.complete || answer.headersSent)) {
		action();
		return;
	}
	// After an upgrade Node handles neither `drain` nor `error`. Without `drain`, a large answer would wait for ever.
	const onDrain = () => {
		if (answer.writableNeedDrain) answer.emit('drain');
	};
	socket.on('drain', onDrain).on('error', ignore);
	// When this event is emitted, `nextAnswer` returns the next answer already.
	answer.once('close', () => {
		socket.off('drain', onDrain).off('error', ignore);
		afterAnswers(socket, action);
	});
}
