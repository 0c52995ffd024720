/** Faults that a DDP server may have, each with cases of the conformance suite that must detect it. */
import type { Fault, Tamper } from './wrongServer.js';

type Message = Record<string, unknown> & { readonly msg?: string };

function replaceEach(change: (message: Message) => readonly Message[]): Tamper {
	return (frame) => change(JSON.parse(frame) as Message).map((message) => JSON.stringify(message));
}

const ofKind = (kind: string, change: (message: Message) => readonly Message[]): Fault => ({
	tamper: () => replaceEach((message) => (message.msg === kind ? change(message) : [message])),
});

const replacingText = (pattern: RegExp, by: string): Fault => ({
	tamper: () => (frame) => [frame.replaceAll(pattern, by)],
});

/** Holds messages of one kind back until a message of another kind has been sent. */
const holdingBack = (held: string, until: string): Fault => ({
	tamper() {
		const heldBack: Message[] = [];
		return replaceEach((message) => {
			if (message.msg === held) {
				heldBack.push(message);
				return [];
			}
			return message.msg === until ? [message, ...heldBack.splice(0)] : [message];
		});
	},
});

const without = (message: Message, member: string): Message =>
	Object.fromEntries(Object.entries(message).filter(([name]) => name !== member));

/** The faults by description. All `cases` must fail, with errors that match `says`. */
export const FAULTS: Readonly<Record<string, { fault: Fault; cases: readonly string[]; says: RegExp }>> = {
	'sends no updated': {
		fault: ofKind('updated', () => []),
		cases: ['a method that returns a value has result and updated', 'a method that fails has updated too'],
		says: /nothing has arrived in time/,
	},
	'sends updated twice': {
		fault: ofKind('updated', (message) => [message, message]),
		cases: ['a method that returns a value has result and updated', 'each method has exactly one updated'],
		says: /updated/,
	},
	'sends updated for a method of another client': {
		fault: ofKind('updated', (message) => [message, { msg: 'updated', methods: ['other'] }]),
		cases: ['a method that returns a value has result and updated'],
		says: /"other"/,
	},
	'sends updated before the data of the method': {
		fault: holdingBack('added', 'updated'),
		cases: [
			'data messages that a method causes come before its updated',
			'an inserted document is added before updated',
		],
		says: /updated/,
	},
	'sends no result for a value that is undefined': {
		fault: {
			tamper: () =>
				replaceEach((message) => (message.msg === 'result' && Object.keys(message).length === 2 ? [] : [message])),
		},
		cases: ['a method that returns undefined has a result without a value'],
		says: /nothing has arrived in time/,
	},
	'sends null for undefined': {
		fault: ofKind('result', (message) => [{ result: null, ...message }]),
		cases: ['a method that returns undefined has a result without a value'],
		says: /unexpected member "result"/,
	},
	'answers methods in another order': {
		fault: {
			tamper() {
				// The ids of methods in a burst begin with 0. The first result is sent after the second.
				let first: Message | undefined;
				return replaceEach((message) => {
					if (message.msg !== 'result') return [message];
					if (message.id === '0') {
						first = message;
						return [];
					}
					const both = first ? [message, first] : [message];
					first = undefined;
					return both;
				});
			},
		},
		cases: ['methods in a burst are answered in their order', 'twenty methods in a burst are all answered'],
		says: /expected/,
	},
	'treats an unknown method as one that returns nothing': {
		fault: ofKind('result', (message) => [without(message, 'error')]),
		cases: ['an unknown method is answered with 404, and updated', 'the method toString is unknown'],
		says: /"error" is missing/,
	},
	'tells the client what was thrown': {
		fault: replacingText(/Internal server error/g, 'secret'),
		cases: ['a thrown error is 500 and tells nothing', 'a publication that throws anything else has nosub with 500'],
		says: /secret/,
	},
	'leaves the reason out of errors': {
		fault: {
			tamper: () =>
				replaceEach((message) => [
					message.error ? { ...message, error: without(message.error as Message, 'reason') } : message,
				]),
		},
		cases: ['a client-safe error keeps its code, reason and details'],
		says: /"reason" is missing/,
	},
	'sends ready before the documents': {
		fault: holdingBack('added', 'ready'),
		cases: ['a subscription has its documents, then ready', 'a query publishes its documents, then ready'],
		says: /added/,
	},
	'sends no ready': {
		fault: ofKind('ready', () => []),
		cases: ['a subscription without documents has ready alone'],
		says: /nothing has arrived in time/,
	},
	'sends ready twice': {
		fault: ofKind('ready', (message) => [message, message]),
		cases: ['ready is sent once', 'two subscriptions at a time have their own ready'],
		says: /ready/,
	},
	'has no nosub': {
		fault: ofKind('nosub', () => []),
		cases: ['unsub of an unknown id has nosub', 'an unknown publication has nosub with 404'],
		says: /nothing has arrived in time/,
	},
	'leaves documents behind after unsub': {
		fault: ofKind('removed', () => []),
		cases: [
			'unsub removes every document',
			'the last unsub removes the document',
			'a removed document is removed before updated',
		],
		says: /expected/,
	},
	'loses a field when the subscription with precedence goes': {
		fault: {
			tamper: () =>
				replaceEach((message) => [
					message.msg === 'changed'
						? { ...without(message, 'fields'), cleared: Object.keys(message.fields ?? {}) }
						: message,
				]),
		},
		cases: [
			'after the first unsub, a field has the value of the other subscription',
			'three subscriptions: the next in order has precedence',
		],
		says: /fields|cleared/,
	},
	'does not say which fields have gone': {
		fault: { tamper: () => replaceEach((message) => (message.cleared ? [without(message, 'cleared')] : [message])) },
		cases: ['a cleared field leaves fields and is in cleared', 'the second unsub clears what it alone had'],
		says: /"cleared" is missing/,
	},
	'sends added where changed is expected': {
		fault: ofKind('changed', (message) => [{ ...message, msg: 'added' }]),
		cases: ['a second subscription sends the fields the client lacks', 'changed has only the changed fields'],
		says: /"changed"/,
	},
	'adds documents twice': {
		fault: ofKind('added', (message) => [message, message]),
		cases: [
			'documents are sent in the order in which they are added',
			'a document without fields has no member fields',
		],
		says: /added/,
	},
	'sends an empty member fields': {
		fault: ofKind('added', (message) => [{ fields: {}, ...message }]),
		cases: ['a document without fields has no member fields'],
		says: /unexpected member "fields"/,
	},
	'sends dates as text': {
		fault: replacingText(/\{"\$date":\d+\}/g, '"1970-01-01T00:00:00.000Z"'),
		cases: ['a date goes there and back', 'fields of a document are EJSON'],
		says: /1970/,
	},
	'does not escape objects that look like types': {
		fault: replacingText(/\{"\$escape":(\{[^{}]*\})\}/g, '$1'),
		cases: ['an escaped $date is an object', 'a field that looks like a type is escaped'],
		says: /\$escape/,
	},
	// DDP puts `-` before an id that begins with `-`, `~` or `{`, among others (`test/contract/ddp.md` section 2).
	'does not escape ids of documents': {
		fault: replacingText(/"id":"-/g, '"id":"'),
		cases: ['on the wire, an id that begins with a minus has another minus before it'],
		says: /expected "--a"/,
	},
	'drops the id of a ping': {
		fault: ofKind('pong', ({ msg }) => [{ msg: msg as string }]),
		cases: [
			'a ping with an id has a pong with that id',
			'several pings are answered while a method runs, in their order',
		],
		says: /"id" is missing/,
	},
	'gives every connection the same session': {
		fault: ofKind('connected', (message) => [{ ...message, session: '23456789ABCDEFGHJ' }]),
		cases: ['two connections have different session ids', 'a former session is not resumed: its id is not given again'],
		says: /23456789ABCDEFGHJ/,
	},
	'accepts every version': {
		fault: ofKind('failed', () => [{ msg: 'connected', session: '23456789ABCDEFGHJ' }]),
		cases: ['without a common version, failed with version 1 is sent, and the connection is closed'],
		says: /"failed"/,
	},
	'keeps the connection after failed': {
		fault: { keepsOpen: true },
		cases: ['without a common version, failed with version 1 is sent, and the connection is closed'],
		says: /nothing has arrived in time/,
	},
	'closes with another code than 1000': {
		fault: { closeCode: 4000 },
		cases: ['the close after failed has the code 1000 and its reason'],
		says: /4000/,
	},
	'does not answer malformed messages': {
		fault: ofKind('error', () => []),
		cases: ['an unknown msg is answered by an error with offendingMessage', 'a method without id is malformed'],
		says: /nothing|quiet/,
	},
	'closes after a malformed message': {
		fault: { ...ofKind('error', () => []), closesInstead: true },
		cases: ['a truncated object is answered by an error without offendingMessage'],
		says: /has closed/,
	},
	'has no SockJS open frame': {
		fault: { tamper: () => (frame) => (frame === 'o' ? [] : [frame]) },
		cases: ['the first frame is o'],
		says: /nothing has arrived in time/,
	},
	'does not pack SockJS messages': {
		fault: { tamper: () => (frame) => (frame.startsWith('a') ? (JSON.parse(frame.slice(1)) as string[]) : [frame]) },
		cases: ['messages come in frames that begin with a', 'several messages in one frame are handled in order'],
		says: /expected/,
	},
};
