/** The code and the text of the server's close frame (`test/contract/ddp.md` 1.2). */
export interface CloseReason {
	readonly code: number;
	readonly text: string;
}

/** For all reasons without a code of their own. */
export const NORMAL_CLOSURE: CloseReason = { code: 1000, text: 'Normal closure' };

/** The server shuts down. After code 1000, some clients never reconnect. */
export const GOING_AWAY: CloseReason = { code: 1001, text: 'Server is shutting down' };

/** For too many malformed messages. */
export const TOO_MANY_MALFORMED: CloseReason = { code: 1008, text: 'Too many malformed messages' };

/** For a frame above the size limit. */
export const TOO_LARGE: CloseReason = { code: 1009, text: 'Message too big' };
