/** SockJS frames (`test/contract/ddp.md` 1.4), for its WebSocket and polling transports. */
import type { CloseReason } from './close-reason.js';

export const OPEN_FRAME = 'o';
export const HEARTBEAT_FRAME = 'h';

/** The frame that carries DDP messages to the client. */
export function messagesFrame(messages: readonly string[]): string {
	return `a${JSON.stringify(messages)}`;
}

/** Like `messagesFrame`, for messages that are already encoded as JSON strings. */
export function encodedMessagesFrame(messages: readonly string[]): string {
	return `a[${messages.join(',')}]`;
}

/** Escapes a part of a message as JSON, without quotes. The caller joins the parts and adds the quotes. */
export function encodeMessagePart(text: string): string {
	return JSON.stringify(text).slice(1, -1);
}

export function closeFrame({ code, text }: CloseReason): string {
	return `c${JSON.stringify([code, text])}`;
}

/** Whether parsed data from a client is an array of strings, each a DDP message. */
export function areMessages(value: unknown): value is string[] {
	return Array.isArray(value) && value.every((message) => typeof message === 'string');
}
