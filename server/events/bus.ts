/** Events within this process. */
import { EventEmitter } from 'node:events';
import type { EventName, EventPayloads, Events } from '../../shared/events.js';
import type { Log } from '../../shared/log.js';

/** Makes a bus. A listener that throws is logged; neither the one who announced nor other listeners notice. */
export function createBus(log: Log): Events {
	const emitter = new EventEmitter().setMaxListeners(0);
	return {
		emit(name, payload) {
			emitter.emit(name, payload);
		},
		on<N extends EventName>(name: N, listener: (payload: EventPayloads[N]) => void) {
			const guarded = (payload: EventPayloads[N]) => {
				try {
					listener(payload);
				} catch (err) {
					log.error({ err, event: name }, `Exception in a listener of '${name}'`);
				}
			};
			emitter.on(name, guarded);
			return () => void emitter.off(name, guarded);
		},
	};
}
