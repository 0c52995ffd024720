/** Texts that SockJS clients send and receive. */
import { expect } from 'chai';

export const CONNECT = '{"msg":"connect","version":"1","support":["1"]}';
export const NOT_FOUND = '404 Error: Page not found\n';
export const NORMAL_CLOSURE = 'c[1000,"Normal closure"]';
export const GOING_AWAY = 'c[1001,"Server is shutting down"]';
export const NO_CACHE = 'no-store, no-cache, no-transform, must-revalidate, max-age=0';

/** The text of a DDP message that calls a method. */
export const call = (id: string, name: string, ...params: unknown[]) =>
	JSON.stringify({ msg: 'method', id, method: name, params });

/** Reads the DDP messages of an `a` frame. */
export function messagesOf(frame: string): Record<string, unknown>[] {
	expect(frame[0]).to.equal('a');
	return JSON.parse(frame.slice(1)).map((message: string) => JSON.parse(message));
}
