/** Roomkey's version of the methods and publications that README.md of this folder asks of a server under test. */
import type { Strategy } from '../../server/ddp/publications/mergebox.js';
import type { Room } from '../../shared/documents.js';
import { ClientError } from '../../shared/errors.js';
import type { RateRule } from '../../shared/limit.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import { liveQuery, type Publication, publication } from '../../shared/publication.js';
import type { UpdateFilter } from '../../shared/store.js';
import {
	errorOf,
	perform,
	relay,
	release,
	released,
	Script,
	script,
	stops,
	subscriptions,
	wait,
} from './adapterScripts.js';
import { THROWN, VALUES } from './adapterValues.js';

const anyone = { summary: 'for the conformance suite', anonymous: true } as const;
const named = (name: string) => ({ ...anyone, name: `conformance.${name}` });

/** A document of a case, as the room that is stored for it. The topic of the room is the group of the document. */
const documentOf = (id: string, group: string, fields: object) =>
	({ _id: id, topic: group, ...fields }) as unknown as Room;

export const methods: readonly Method[] = [
	method({ ...named('echo'), args: { value: Match.Any }, run: ({ value }) => value }),
	method({
		...named('list'),
		args: { a: Match.Any, b: Match.Any, c: Match.Any },
		run: ({ a, b, c }) => [a, b, c],
	}),
	method({ ...named('value'), args: { kind: String }, run: ({ kind }) => VALUES[kind]?.() }),
	method({
		...named('fail'),
		args: { code: Match.Any, reason: Match.Any, details: Match.Any },
		run: ({ code, reason, details }) => {
			throw errorOf([code, reason ?? undefined, details ?? undefined]);
		},
	}),
	method({
		...named('throw'),
		args: { kind: String },
		run: ({ kind }) => {
			throw THROWN[kind]?.();
		},
	}),
	method({ ...named('reject'), args: { kind: String }, run: ({ kind }) => Promise.reject(THROWN[kind]?.()) }),
	method({ ...named('check'), args: { value: String }, run: ({ value }) => value }),
	method({ ...named('wait'), args: { key: String, next: Match.Maybe(String) }, run: relay }),
	method({
		...named('waitUnblocked'),
		args: { key: String, next: Match.Maybe(String) },
		run(args, context) {
			context.unblock();
			context.unblock();
			return relay(args);
		},
	}),
	method({
		...named('release'),
		args: { key: String },
		run: ({ key }) => release(key),
	}),
	method({ ...named('isReleased'), args: { key: String }, run: ({ key }) => released.has(key) }),
	method({ ...named('user'), args: {}, run: (_args, { userId }) => userId }),
	method({
		...named('setUser'),
		args: { id: Match.Any },
		changesUser: true,
		async run({ id }, context) {
			await context.setUserId(id as string | null);
			return context.userId;
		},
	}),
	method({
		...named('setUserUnblocked'),
		args: { id: String },
		changesUser: true,
		async run({ id }, context) {
			context.unblock();
			await context.setUserId(id);
		},
	}),
	method({
		...named('userAfterWait'),
		args: { key: String },
		async run({ key }, context) {
			context.unblock();
			await wait(key);
			return context.userId;
		},
	}),
	method({
		...named('connection'),
		args: {},
		run: (_args, { connection }) => ({ id: connection?.id, clientAddress: connection?.clientAddress }),
	}),
	method({ ...named('headers'), args: {}, run: (_args, { connection }) => Object.keys(connection?.httpHeaders ?? {}) }),
	method({ ...named('close'), args: {}, run: (_args, { connection }) => connection?.close() }),
	method({
		...named('call'),
		args: { method: String, params: [Match.Any] },
		run: ({ method: name, params }, context) => context.call(name, ...params),
	}),
	method({
		...named('random'),
		args: { stream: Match.Any, kinds: [String] },
		run({ stream, kinds }, { random }) {
			const source = random.stream(String(stream ?? ''));
			return kinds.map((kind) => {
				if (kind === 'id') return source.id();
				return kind === 'fraction' ? source.fraction() : source.hexString(Number(kind));
			});
		},
	}),
	method({ ...named('limited'), args: {}, run: () => 'done' }),
	method({
		...named('tell'),
		args: { tag: String, script: Script },
		run: ({ tag, script }) => {
			const context = subscriptions.get(tag);
			if (!context) throw new ClientError('no-subscription', 'There is no subscription with this tag');
			return perform(context, script);
		},
	}),
	method({ ...named('stops'), args: { tag: String }, run: ({ tag }) => stops.get(tag) ?? 0 }),
	method({
		...named('insert'),
		args: { id: String, group: String, fields: Object },
		async run({ id, group, fields }, { store }) {
			await store.rooms.insertOne(documentOf(id, group, fields));
		},
	}),
	method({
		...named('update'),
		args: { id: String, fields: Object, cleared: Match.Any },
		async run({ id, fields, cleared }, { store }) {
			const unset = Object.fromEntries(((cleared as string[] | null) ?? []).map((name) => [name, true]));
			const update = {
				...(Object.keys(fields).length > 0 && { $set: fields }),
				...(Object.keys(unset).length > 0 && { $unset: unset }),
			};
			await store.rooms.updateOne({ _id: id }, update as UpdateFilter<Room>);
		},
	}),
	method({
		...named('move'),
		args: { id: String, group: String },
		async run({ id, group }, { store }) {
			await store.rooms.updateOne({ _id: id }, { $set: { topic: group } });
		},
	}),
	method({
		...named('remove'),
		args: { id: String },
		async run({ id }, { store }) {
			await store.rooms.deleteOne({ _id: id });
		},
	}),
];

/** The fields of documents in the cases. */
const FIELDS: Readonly<Record<string, 1>> = { a: 1, b: 1 };

const query = (group: string) => liveQuery('rooms', { topic: group }, FIELDS, { name: 'conformance.documents' });

/** What `conformance.returns` returns, by its argument `kind`. */
const RETURNED: Readonly<Record<string, (group: string) => unknown>> = {
	'an empty array': () => [],
	'an array of others': () => [1],
	'a string': () => 'documents',
	'an object': () => ({}),
	'an array of a query': (group) => [query(group)],
	'two queries of one collection': (group) => [query(group), query(group)],
};

export const publications: readonly Publication[] = [
	publication({
		...named('script'),
		args: { tag: String, script: Script },
		run: ({ tag, script: steps }, context) => script(context, tag, steps),
	}),
	publication({
		...named('scriptOfUser'),
		args: { tag: String, scripts: Match.ObjectWithValues(Script) },
		run: ({ tag, scripts }, context) => script(context, tag, scripts[context.userId ?? 'nobody'] ?? []),
	}),
	publication({ ...named('checked'), args: { value: String }, run: (_args, context) => context.ready() }),
	publication({
		...named('params'),
		args: { a: Match.Any, b: Match.Any },
		run({ a, b }, context) {
			context.added('conformance.params', 'params', { list: [a, b] });
			context.ready();
		},
	}),
	publication({
		...named('returns'),
		args: { kind: String, group: Match.Any },
		run: ({ kind, group }) => RETURNED[kind]?.(String(group)),
	}),
	publication({ ...named('documents'), args: { group: String }, run: ({ group }) => query(group) }),
	publication({ ...named('limited'), args: {}, run: (_args, context) => context.ready() }),
];

/** Three calls in an hour. The hour does not end while a case runs. */
const LIMIT = { calls: 3, per: 3_600_000 };

export const limits: readonly RateRule[] = [
	{ matcher: { type: 'method', name: 'conformance.limited', connectionId: () => true }, ...LIMIT },
	{ matcher: { type: 'subscription', name: 'conformance.limited', connectionId: () => true }, ...LIMIT },
];

/** The collections with another publication strategy than the default. */
export const strategies: Readonly<Record<string, Strategy>> = {
	'conformance.noMergeMulti': 'NO_MERGE_MULTI',
	'conformance.noMerge': 'NO_MERGE',
	'conformance.noMergeNoHistory': 'NO_MERGE_NO_HISTORY',
};
