/** What methods announce after a write, for whoever must know: sessions today, publications and other processes later. */
import type { Room } from './documents.js';

export interface EventPayloads {
	/** A room was made, changed or removed; `room` is how it now is. */
	'room-changed': { readonly action: 'inserted' | 'updated' | 'removed'; readonly room: Room };
	/** Login tokens are no longer valid: every session that uses one must end (`contract/ddp.md` 16.2). */
	'tokens-removed': { readonly userId: string; readonly hashedTokens: readonly string[] };
}

export type EventName = keyof EventPayloads;

export interface Events {
	emit<N extends EventName>(name: N, payload: EventPayloads[N]): void;
	/** Calls the listener at every event of that name until the returned function is called. */
	on<N extends EventName>(name: N, listener: (payload: EventPayloads[N]) => void): () => void;
}
