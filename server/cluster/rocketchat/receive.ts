/** Handles the events of other nodes of Rocket.Chat's broker. They only say which documents to read: the database is the truth. */
import { Match } from '../../../shared/match.js';
import { isId } from '../../../shared/values.js';
import type { Bus } from '../bus.js';
import type { ChangedElsewhere, Reported } from '../changedElsewhere.js';
import { lastKnown } from '../lastKnown.js';
import { ROCKETCHAT_STREAMS } from './announce.js';

export interface ReceiverParts {
	readonly bus: Bus;
	readonly changedElsewhere: Pick<ChangedElsewhere, 'report'>;
	/** Looks up soon whether the tokens of a user still exist. */
	checkTokens(userId: string): void;
}

/** Handles the arguments of an event. @returns false if they have not its form */
type Handler = (args: readonly unknown[], parts: ReceiverParts) => boolean;

const Id = Match.Where(isId);
const WithId = Match.ObjectIncluding({ _id: Id });
const ACTIONS: ReadonlyMap<unknown, Reported['action']> = new Map([
	['inserted', 'inserted'],
	['updated', 'updated'],
	['changed', 'updated'],
	['removed', 'removed'],
]);

/** Reports a written document of an event. */
function reportDocument(
	{ changedElsewhere }: ReceiverParts,
	collection: string,
	action: Reported['action'],
	document: { readonly _id: string },
): void {
	const last = action === 'removed' ? lastKnown(document) : undefined;
	const isMoreKnown = last !== undefined && Object.keys(last).length > 1;
	changedElsewhere.report(collection, document._id, { action, ...(isMoreKnown && { last }) });
}

/** Reports the document in a member of the first argument, such as `{clientAction: 'updated', room: {_id}}`. */
function written(collection: string, member: string): Handler {
	const Data = Match.ObjectIncluding({ clientAction: String, [member]: WithId });
	return ([data], parts) => {
		if (!Match.test(data, Data)) return false;
		const action = ACTIONS.get(data.clientAction);
		if (!action) return false;
		reportDocument(parts, collection, action, (data as Record<string, unknown>)[member] as { _id: string });
		return true;
	};
}

const UserChange = Match.ObjectIncluding({ id: Id, clientAction: String });

const userWritten: Handler = ([data], { changedElsewhere, checkTokens }) => {
	if (!Match.test(data, UserChange)) return false;
	const { id, clientAction, diff } = data as { id: string; clientAction: string; diff?: unknown };
	const action = ACTIONS.get(clientAction);
	if (!action) return false;
	changedElsewhere.report('users', id, { action });
	const changesTokens = Object.keys(Object(diff)).some((field) => field.startsWith('services'));
	if (action === 'removed' || changesTokens) checkTokens(id);
	return true;
};

const forceLogout: Handler = ([uid, sessionId], { bus, checkTokens }) => {
	if (!isId(uid)) return false;
	const args = typeof sessionId === 'string' ? [sessionId] : [];
	bus.deliver('notify', { stream: 'notify-user', eventName: `${uid}/force_logout`, args });
	checkTokens(uid);
	return true;
};

const keyRequest: Handler = ([rid, keyId], { bus }) => {
	if (!isId(rid) || !Match.test(keyId, Match.Optional(String))) return false;
	bus.deliver('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: [keyId] });
	return true;
};

/** Streams whose events are about documents: the document is read. Others are passed on. */
const OF_DOCUMENTS: ReadonlyMap<string, string> = new Map([
	['rooms-changed', 'rooms'],
	['subscriptions-changed', 'subscriptions'],
]);

/** An event of a stream, which a node has published to its own readers. */
function streamEvent(stream: unknown, eventName: unknown, args: unknown, parts: ReceiverParts): boolean {
	if (typeof stream !== 'string' || typeof eventName !== 'string' || !Array.isArray(args)) return false;
	if (!ROCKETCHAT_STREAMS.has(stream)) return true;
	const collection = stream === 'notify-user' ? OF_DOCUMENTS.get(eventName.split('/')[1] ?? '') : undefined;
	if (!collection) {
		parts.bus.deliver('notify', { stream, eventName, args });
		return true;
	}
	const [action, document] = args;
	if (!Match.test(document, WithId)) return false;
	reportDocument(parts, collection, ACTIONS.get(action), document);
	return true;
}

/** With a licence: the one argument is the list `[stream, eventName, args]`. */
const stream: Handler = (args, parts) => {
	const [stream, eventName, payload] = args.length === 1 && Array.isArray(args[0]) ? args[0] : args;
	return streamEvent(stream, eventName, payload, parts);
};

const HANDLERS: Readonly<Record<string, Handler>> = {
	'watch.rooms': written('rooms', 'room'),
	'watch.subscriptions': written('subscriptions', 'subscription'),
	'watch.settings': written('settings', 'setting'),
	'watch.roles': written('roles', 'role'),
	'watch.users': userWritten,
	'permission.changed': written('permissions', 'data'),
	'user.forceLogout': forceLogout,
	'notify.e2e.keyRequest': keyRequest,
	stream,
};

/** Without a licence: monoliths send this event, whose data is an object. */
const BROADCAST = 'broadcast';

/** The names of the events to receive. */
export const RECEIVED_EVENTS: readonly string[] = [...Object.keys(HANDLERS), BROADCAST];

/** Handles an event of another node. @returns false if its data has not the form of this event */
export function receive(event: string, data: unknown, parts: ReceiverParts): boolean {
	if (event === BROADCAST) {
		if (!Match.test(data, Match.ObjectIncluding({ streamName: String, eventName: String }))) return false;
		const { streamName, eventName, args } = data as Record<string, unknown>;
		return streamEvent(streamName, eventName, args, parts);
	}
	const handler = Object.hasOwn(HANDLERS, event) ? HANDLERS[event] : undefined;
	return handler !== undefined && Array.isArray(data) && handler(data, parts);
}
