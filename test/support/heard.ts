/** What methods announce, for tests that count it. */
import type { Change, EventPayloads } from '../../shared/events.js';
import type { TestRoomkey } from './roomkey.js';

export interface Heard {
	readonly changes: Change[];
	readonly notices: EventPayloads['notify'][];
	/** Notices of this name, such as `<uid>/force_logout`. */
	noticesOf(eventName: string): EventPayloads['notify'][];
	/** Ids of documents of a collection that were announced. */
	changed(collection: Change['collection']): string[];
}

/** Runs something and tells what was announced meanwhile. */
export async function hearing({ bus }: Pick<TestRoomkey, 'bus'>, run: () => Promise<unknown>): Promise<Heard> {
	const changes: Change[] = [];
	const notices: EventPayloads['notify'][] = [];
	const stops = [
		bus.on('changed', (change) => void changes.push(change)),
		bus.on('notify', (notice) => void notices.push(notice)),
	];
	try {
		await run();
	} finally {
		for (const stop of stops) stop();
	}
	return {
		changes,
		notices,
		noticesOf: (eventName) => notices.filter((notice) => notice.eventName === eventName),
		changed: (collection) =>
			changes.filter((change) => change.collection === collection).map(({ document }) => document._id),
	};
}
