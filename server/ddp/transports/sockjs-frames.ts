/** SockJS frames (`test/contract/ddp.md` 1.4), for its WebSocket and polling transports. */
import type { CloseReason } from './close-reason.js';

export const OPEN_FRAME = 'o';
export const HEARTBEAT_FRAME = 'h';

/** Carries DDP messages to the client. */
export function messagesFrame(messages: readonly string[]): string {
	return `a${JSON.stringify(messages)}`;
}

export function closeFrame({ code, text }: CloseReason): string {
	return `c${JSON.stringify([code, text])}`;
}

/** Whether the data from a client is an array of DDP messages. */
export function areMessages(value: unknown): value is string[] {
	return Array.isArray(value) && value.every((message) => typeof message === 'string');
}
