/** SockJS frames (`test/contract/ddp.md` 1.4), for its WebSocket and polling transports. */
import type { CloseReason } from './close-reason.js';

export const OPEN_FRAME = 'o';
export const HEARTBEAT_FRAME = 'h';

/** Carries DDP messages to the client. */
export function messagesFrame(messages: readonly string[]): string {
	return `a${JSON.stringify(messages)}`;
}

/** The same for messages that are JSON strings already. */
export function encodedMessagesFrame(messages: readonly string[]): string {
	return `a[${messages.join(',')}]`;
}

/** A part of a message within a frame, without the quotes. */
export function encodeMessagePart(text: string): string {
	return JSON.stringify(text).slice(1, -1);
}

export function closeFrame({ code, text }: CloseReason): string {
	return `c${JSON.stringify([code, text])}`;
}

/** Whether the data from a client is an array of DDP messages. */
export function areMessages(value: unknown): value is string[] {
	return Array.isArray(value) && value.every((message) => typeof message === 'string');
}
