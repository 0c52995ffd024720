/** What was announced while something happened. */
import type { Bus } from '../../server/cluster/bus.js';
import type { EventPayloads } from '../../shared/events.js';

export interface RecordedEvents {
	readonly changes: EventPayloads['changed'][];
	/** Streams' events, as `stream eventName`, and what came with them. */
	readonly notices: { readonly name: string; readonly args: readonly unknown[] }[];
	/** The changes of one collection, as `action id`. */
	of(collection: EventPayloads['changed']['collection']): string[];
	/** What came with the stream events of this name, which is `stream eventName`. */
	named(name: string): (readonly unknown[])[];
}

/** Listens while `run` runs. */
export async function recordEvents(bus: Bus, run: () => Promise<unknown>): Promise<RecordedEvents> {
	const changes: EventPayloads['changed'][] = [];
	const notices: { name: string; args: readonly unknown[] }[] = [];
	const stops = [
		bus.on('changed', (change) => void changes.push(change)),
		bus.on('notify', ({ stream, eventName, args }) => void notices.push({ name: `${stream} ${eventName}`, args })),
	];
	try {
		await run();
	} finally {
		for (const stop of stops) stop();
	}
	return {
		changes,
		notices,
		of: (wanted) =>
			changes
				.filter(({ collection }) => collection === wanted)
				.map(({ action, document }) => `${action} ${document._id}`),
		named: (wanted) => notices.filter(({ name }) => name === wanted).map(({ args }) => args),
	};
}
