/** What a written document means for the readers of streams (`contract/rocketchat-e2e.md` 10.2, 10.4). */
import type { Change, EventPayloads } from '../../shared/events.js';
import type { Store } from '../../shared/store.js';

/** Who listens here, and the way to reach them. */
export interface Audience {
	/** Names of the events of a stream that somebody reads. */
	eventNames(stream: string): Iterable<string>;
	notify(event: EventPayloads['notify']): void;
}

/** Users asked for in one query. */
const BATCH = 500;

const ROOMS_CHANGED = '/rooms-changed';

/** Tells those who listen of a change: a room to its members, a place in a room to the one whose it is. */
export async function announce(change: Change, store: Store, audience: Audience): Promise<void> {
	const { collection, action, document } = change;
	if (collection === 'subscriptions' && document.u) {
		const eventName = `${document.u._id}/subscriptions-changed`;
		audience.notify({ stream: 'notify-user', eventName, args: [action, document] });
	} else if (collection === 'rooms') {
		audience.notify({ stream: 'room-data', eventName: document._id, args: [document] });
		for await (const uid of membersAmong(listeners(audience), document._id, store)) {
			audience.notify({ stream: 'notify-user', eventName: uid + ROOMS_CHANGED, args: [action, document] });
		}
	}
}

/** Users who listen for changes of their rooms. */
function listeners(audience: Audience): string[] {
	const uids: string[] = [];
	for (const name of audience.eventNames('notify-user')) {
		if (name.endsWith(ROOMS_CHANGED)) uids.push(name.slice(0, -ROOMS_CHANGED.length));
	}
	return uids;
}

/** Those of the users who are members of a room. Far fewer listen here than a large room has members. */
async function* membersAmong(uids: readonly string[], rid: string, store: Store): AsyncIterable<string> {
	for (let i = 0; i < uids.length; i += BATCH) {
		const places = store.subscriptions.find(
			{ rid, 'u._id': { $in: uids.slice(i, i + BATCH) } },
			{ projection: { 'u._id': 1 } },
		);
		for await (const { u } of places) yield u._id;
	}
}
