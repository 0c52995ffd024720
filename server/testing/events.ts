/** Records the changed documents and stream events that a server publishes. */
import { declaredName } from '../../shared/collections.js';
import type { EventPayloads } from '../../shared/events.js';
import type { Bus } from '../cluster/bus.js';

export interface RecordedEvents {
	/** The written documents, with the action. */
	readonly changes: EventPayloads['changed'][];
	/** Events of streams: `name` is `<stream> <eventName>`, `args` are the arguments. */
	readonly notices: { readonly name: string; readonly args: readonly unknown[] }[];
	/** The changes of one collection, each as `<action> <id>`. */
	of(collection: string): string[];
	/** The arguments of the stream events named `<stream> <eventName>`. */
	named(name: string): (readonly unknown[])[];
	clear(): void;
}

/** Records events from now on. @internal */
export function startRecording(bus: Bus): RecordedEvents & { stop(): void } {
	const changes: EventPayloads['changed'][] = [];
	const notices: { name: string; args: readonly unknown[] }[] = [];
	const stopListening = [
		bus.on('changed', (change) => void changes.push({ ...change, collection: declaredName(change.collection) })),
		bus.on('notify', ({ stream, eventName, args }) => void notices.push({ name: `${stream} ${eventName}`, args })),
	];
	return {
		changes,
		notices,
		of: (collection) =>
			changes
				.filter((change) => change.collection === collection)
				.map(({ action, document }) => `${action} ${document._id}`),
		named: (name) => notices.filter((notice) => notice.name === name).map(({ args }) => args),
		clear() {
			changes.length = 0;
			notices.length = 0;
		},
		stop() {
			for (const stop of stopListening) stop();
		},
	};
}

/** Records events while `run` runs. @internal */
export async function recordEvents(bus: Bus, run: () => Promise<unknown>): Promise<RecordedEvents> {
	const recorded = startRecording(bus);
	try {
		await run();
	} finally {
		recorded.stop();
	}
	return recorded;
}
