/** Why the server closes a connection, as the client sees it: the code and text of a close frame (`test/contract/ddp.md` 1.2). */
export interface CloseReason {
	readonly code: number;
	readonly text: string;
}

/** For everything but the cases below. */
export const NORMAL_CLOSURE: CloseReason = { code: 1000, text: 'Normal closure' };

/** The server shuts down. Some clients take 1000 for an end they asked for, and never reconnect. */
export const GOING_AWAY: CloseReason = { code: 1001, text: 'Server is shutting down' };

/** The client sent too many messages that cannot be understood. */
export const TOO_MANY_MALFORMED: CloseReason = { code: 1008, text: 'Too many malformed messages' };

/** The client sent a frame that is larger than it may be. */
export const TOO_LARGE: CloseReason = { code: 1009, text: 'Message too big' };
