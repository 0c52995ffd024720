/**
 * Handles the events of other nodes of Rocket.Chat's broker. An event about a document says which document to read from
 * the database. Of a removed document it may give fields (`lastKnown.ts`).
 */
import { Match } from '../../../shared/match.js';
import { isId } from '../../../shared/values.js';
import type { Bus } from '../bus.js';
import type { ChangedElsewhere, WriteReport } from '../changedElsewhere.js';
import { lastKnown } from '../lastKnown.js';
import { ROCKETCHAT_STREAMS } from './announce.js';

export interface ReceiverParts {
	readonly bus: Bus;
	readonly changedElsewhere: Pick<ChangedElsewhere, 'report'>;
	/** Checks soon whether the login tokens of a user still exist. */
	checkTokens(userId: string): void;
}

/** @returns false if the arguments have a wrong form */
type Handler = (args: readonly unknown[], parts: ReceiverParts) => boolean;

const Id = Match.Where(isId);
const WithId = Match.ObjectIncluding({ _id: Id });

/** The actions as Rocket.Chat's events name them. */
const ACTIONS: ReadonlyMap<unknown, WriteReport['action']> = new Map([
	['inserted', 'inserted'],
	['updated', 'updated'],
	['changed', 'updated'],
	['removed', 'removed'],
]);

function reportDocument(
	{ changedElsewhere }: ReceiverParts,
	collection: string,
	action: WriteReport['action'],
	document: { readonly _id: string },
): void {
	const last = action === 'removed' ? lastKnown(document) : undefined;
	const hasMoreThanId = last !== undefined && Object.keys(last).length > 1;
	changedElsewhere.report(collection, document._id, { action, ...(hasMoreThanId && { last }) });
}

/** Reports the document in a member of the first argument, such as `{clientAction: 'updated', room: {_id}}`. */
function documentHandler(collection: string, member: string): Handler {
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

const handleUserChange: Handler = ([data], { changedElsewhere, checkTokens }) => {
	if (!Match.test(data, UserChange)) return false;
	const { id, clientAction, diff } = data as { id: string; clientAction: string; diff?: unknown };
	const action = ACTIONS.get(clientAction);
	if (!action) return false;
	changedElsewhere.report('users', id, { action });
	// `diff` has the changed fields, if any.
	const mayChangeTokens = Object.keys(Object(diff)).some((field) => field.startsWith('services'));
	if (action === 'removed' || mayChangeTokens) checkTokens(id);
	return true;
};

const handleForceLogout: Handler = ([uid, sessionId], { bus, checkTokens }) => {
	if (!isId(uid)) return false;
	const args = typeof sessionId === 'string' ? [sessionId] : [];
	bus.deliver('notify', { stream: 'notify-user', eventName: `${uid}/force_logout`, args });
	checkTokens(uid);
	return true;
};

const handleKeyRequest: Handler = ([rid, keyId], { bus }) => {
	if (!isId(rid) || !Match.test(keyId, Match.Optional(String))) return false;
	bus.deliver('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: [keyId] });
	return true;
};

/** The events of `notify-user` that contain a document, and its collection. */
const DOCUMENT_EVENTS: ReadonlyMap<string, string> = new Map([
	['rooms-changed', 'rooms'],
	['subscriptions-changed', 'subscriptions'],
]);

/** @returns false if the form is wrong */
function handleStreamEvent(stream: unknown, eventName: unknown, args: unknown, parts: ReceiverParts): boolean {
	if (typeof stream !== 'string' || typeof eventName !== 'string' || !Array.isArray(args)) return false;
	if (!ROCKETCHAT_STREAMS.has(stream)) return true;
	const collection = stream === 'notify-user' ? DOCUMENT_EVENTS.get(eventName.split('/')[1] ?? '') : undefined;
	if (!collection) {
		parts.bus.deliver('notify', { stream, eventName, args });
		return true;
	}
	const [action, document] = args;
	if (!Match.test(document, WithId)) return false;
	reportDocument(parts, collection, ACTIONS.get(action), document);
	return true;
}

/** A Rocket.Chat with a licence sends the list `[stream, eventName, args]` as one argument. */
const handleStream: Handler = (args, parts) => {
	const [stream, eventName, payload] = args.length === 1 && Array.isArray(args[0]) ? args[0] : args;
	return handleStreamEvent(stream, eventName, payload, parts);
};

const HANDLERS: Readonly<Record<string, Handler>> = {
	'watch.rooms': documentHandler('rooms', 'room'),
	'watch.subscriptions': documentHandler('subscriptions', 'subscription'),
	'watch.settings': documentHandler('settings', 'setting'),
	'watch.roles': documentHandler('roles', 'role'),
	'watch.users': handleUserChange,
	'permission.changed': documentHandler('permissions', 'data'),
	'user.forceLogout': handleForceLogout,
	'notify.e2e.keyRequest': handleKeyRequest,
	stream: handleStream,
};

/** The event of a Rocket.Chat without a licence. The data is an object, not a list. */
const BROADCAST = 'broadcast';

export const RECEIVED_EVENTS: readonly string[] = [...Object.keys(HANDLERS), BROADCAST];

/** @returns false if the data has a wrong form */
export function receive(event: string, data: unknown, parts: ReceiverParts): boolean {
	if (event === BROADCAST) {
		if (!Match.test(data, Match.ObjectIncluding({ streamName: String, eventName: String }))) return false;
		const { streamName, eventName, args } = data as Record<string, unknown>;
		return handleStreamEvent(streamName, eventName, args, parts);
	}
	const handler = Object.hasOwn(HANDLERS, event) ? HANDLERS[event] : undefined;
	return handler !== undefined && Array.isArray(data) && handler(data, parts);
}
