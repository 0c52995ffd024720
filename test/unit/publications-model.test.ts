/**
 * Random subscriptions, publish functions, writes and logins. Afterwards a client that follows the frames has the documents
 * of a simpler model (`test/contract/ddp.md` sections 10 to 12).
 */
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { createBus } from '../../server/cluster/bus.js';
import { Heartbeats } from '../../server/ddp/heartbeat.js';
import type { Strategy } from '../../server/ddp/publications/mergebox.js';
import { Session } from '../../server/ddp/session.js';
import type { Permission } from '../../shared/documents.js';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { liveQuery, type PublicationContext, publication } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';
import { FakeTransport } from '../support/transport.js';

type Fields = Record<string, unknown>;
type Shown = Map<string, Fields>;

const strategies: Record<string, Strategy> = {
	merged: 'SERVER_MERGE',
	multi: 'NO_MERGE_MULTI',
	plain: 'NO_MERGE',
	events: 'NO_MERGE_NO_HISTORY',
};
/** Whether the merge box records which documents of a collection the client has, and so refuses wrong changes. */
const isStrict = (collection: string) => collection === 'merged' || collection === 'multi';
const keyOf = (collection: string, id: string) => `${collection}/${id}`;

/** Sets fields of a document. The value undefined removes a field. */
function apply(shown: Shown, key: string, fields: Fields): void {
	const merged = { ...shown.get(key), ...fields };
	for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name];
	shown.set(key, merged);
}

/** A client that applies every frame, and throws where a Node client of Meteor would throw. */
class Client {
	readonly shown: Shown = new Map();
	readonly readies: string[] = [];
	readonly nosubs: string[] = [];

	follow(text: string): void {
		const { msg, collection, id, fields = {}, cleared = [], subs } = JSON.parse(text);
		const key = keyOf(collection, id);
		const has = this.shown.has(key);
		switch (msg) {
			case 'added':
				if (has && isStrict(collection)) throw new Error(`added for a present document: ${text}`);
				break;
			case 'changed':
			case 'removed':
				if (!has && isStrict(collection)) throw new Error(`${msg} for an absent document: ${text}`);
				break;
			case 'ready':
				this.readies.push(...subs);
				return;
			case 'nosub':
				this.nosubs.push(id);
				return;
			default:
				throw new Error(`unexpected: ${text}`);
		}
		if (msg === 'removed') this.shown.delete(key);
		else apply(this.shown, key, { ...fields, ...Object.fromEntries(cleared.map((name: string) => [name, undefined])) });
	}
}

/** A subscription's value for a field of a merged document. The client has the value of the first claim. */
interface Claim {
	readonly sub: string;
	readonly key: string;
	readonly field: string;
	value: unknown;
}

/** The documents that a client should have. */
class Model {
	/** Which subscription has published which document. */
	#holds: { sub: string; key: string }[] = [];
	#claims: Claim[] = [];
	/** The documents of collections that are not merged. */
	#others: Shown = new Map();
	/**
	 * The documents of `multi` before a rerun of all publish functions. At the end of the rerun, those that were not
	 * published again are removed. `merged` documents follow from holds and claims. Documents of `plain` and `events` stay,
	 * because the merge box does not record them.
	 */
	#before: string[] = [];

	added(sub: string, collection: string, id: string, fields: Fields): void {
		const key = keyOf(collection, id);
		if (collection !== 'events' && !this.holds(sub, collection, id)) this.#holds.push({ sub, key });
		this.changed(sub, collection, id, fields);
	}

	changed(sub: string, collection: string, id: string, fields: Fields): void {
		const key = keyOf(collection, id);
		if (collection !== 'merged') {
			apply(this.#others, key, fields);
			return;
		}
		for (const [field, value] of Object.entries(fields)) {
			const own = (claim: Claim) => claim.sub === sub && claim.key === key && claim.field === field;
			const claim = this.#claims.find(own);
			if (value === undefined) this.#claims = this.#claims.filter((other) => !own(other));
			else if (claim) claim.value = value;
			else this.#claims.push({ sub, key, field, value });
		}
	}

	removed(sub: string, collection: string, id: string): void {
		const key = keyOf(collection, id);
		this.#holds = this.#holds.filter((hold) => hold.sub !== sub || hold.key !== key);
		this.#claims = this.#claims.filter((claim) => claim.sub !== sub || claim.key !== key);
		const isHeld = this.#holds.some((hold) => hold.key === key) || this.#before.includes(key);
		if (collection !== 'multi' || !isHeld) this.#others.delete(key);
	}

	stopped(sub: string): void {
		for (const { key } of this.#holds.filter((hold) => hold.sub === sub)) {
			const [collection, id] = key.split('/') as [string, string];
			this.removed(sub, collection, id);
		}
	}

	holds(sub: string, collection: string, id: string): boolean {
		return this.#holds.some((hold) => hold.sub === sub && hold.key === keyOf(collection, id));
	}

	beginRerun(): void {
		this.#before = [...this.#others.keys()].filter((key) => key.startsWith('multi/'));
		this.#holds = [];
		this.#claims = [];
	}

	endRerun(): void {
		for (const key of this.#before) if (!this.#holds.some((hold) => hold.key === key)) this.#others.delete(key);
		this.#before = [];
	}

	get shown(): Shown {
		const shown: Shown = new Map(this.#others);
		for (const { key } of this.#holds) if (key.startsWith('merged/')) shown.set(key, {});
		for (const { key, field, value } of this.#claims) {
			const fields = shown.get(key);
			if (fields && !(field in fields)) fields[field] = value;
		}
		return shown;
	}
}

type Act =
	| { readonly act: 'added' | 'changed'; readonly collection: string; readonly id: string; readonly fields: Fields }
	| { readonly act: 'removed'; readonly collection: string; readonly id: string }
	| { readonly act: 'ready' | 'stop' | 'error' };

interface Sub {
	readonly id: string;
	/** The role that a live query selects. */
	readonly role?: string;
	context?: PublicationContext;
	ready: boolean;
	stopped: boolean;
}

/** The acts of a publish function. A slow one waits after each act, so that others run meanwhile. */
interface Script {
	readonly anonymous: readonly Act[];
	readonly user: readonly Act[];
	readonly slow: boolean;
}

class World {
	readonly model = new Model();
	readonly client = new Client();
	readonly subs = new Map<string, Sub>();
	/** Ended subscriptions, and ended runs of publish functions. */
	readonly past: Sub[] = [];
	readonly permissions = new Map<string, Permission>();
	/** The subscription ids of each `ready` and `nosub` that the client should have received. */
	readonly readies: string[] = [];
	readonly nosubs: string[] = [];
	readonly transport = new FakeTransport();
	readonly log = memoryLog();
	readonly bus = createBus(this.log);
	readonly session: Session;

	constructor() {
		const scripted = publication({
			name: 'scripted',
			summary: 'for a test',
			anonymous: true,
			args: { id: String, script: Match.Any },
			run: ({ id, script }, context) => this.#play(id, script as Script, context),
		});
		const live = publication({
			name: 'live',
			summary: 'for a test',
			anonymous: true,
			args: { role: String },
			run: ({ role }, context) => {
				context.unblock();
				return liveQuery('permissions', { roles: role }, { roles: 1 }, { name: 'merged' });
			},
		});
		const { log, bus, transport } = this;
		const services = {
			store: { permissions: this.#collection() } as unknown as Store,
			bus,
			settings,
			log,
			invoker: { get: () => undefined, invoke: () => Promise.reject(new Error('no methods here')) },
			publications: {
				named: new Map([scripted, live].map((each) => [each.name as string, each])),
				universal: [],
				strategyOf: (collection: string) => strategies[collection] as Strategy,
			},
			onConnection() {},
			heartbeats: new Heartbeats({ interval: 0, timeout: 0 }),
		};
		const limits = {
			connectTimeout: 45_000,
			maxAnonymousFrame: 65_536,
			maxQueue: 10,
			maxSubscriptions: 10,
			maxSubscriptionBytes: 16_384,
		};
		this.session = new Session(transport, services, limits, () => {});
		this.receive({ msg: 'connect', version: '1', support: ['1'] });
		transport.sent.length = 0;
	}

	receive(message: object): void {
		this.session.receive(JSON.stringify(message));
	}

	/** Waits until nothing runs any more, then compares the client with the model. */
	async settle(): Promise<void> {
		// A slow publish function takes at most six turns, and a read takes one.
		for (let i = 0; i < 8; i++) await setImmediate();
		for (const frame of this.transport.sent.splice(0)) this.client.follow(frame);
		expect(this.client.shown).to.deep.equal(this.model.shown);
		expect(this.client.nosubs.sort()).to.deep.equal(this.nosubs.sort());
		expect(this.client.readies.sort()).to.deep.equal(this.readies.sort());
		expect(this.log.lines).to.deep.equal([]);
	}

	/** Performs an act, and applies it to the model unless the subscription has ended. */
	act(sub: Sub, act: Act): void {
		const { context, id } = sub;
		if (!context) return;
		switch (act.act) {
			case 'added':
				context.added(act.collection, act.id, act.fields);
				if (!sub.stopped) this.model.added(id, act.collection, act.id, act.fields);
				return;
			case 'changed':
			case 'removed': {
				const fields = act.act === 'changed' ? act.fields : {};
				const call = () =>
					act.act === 'changed'
						? context.changed(act.collection, act.id, fields)
						: context.removed(act.collection, act.id);
				if (!sub.stopped && isStrict(act.collection) && !this.model.holds(id, act.collection, act.id)) {
					expect(call).to.throw(/Could not find element|Removed nonexistent/);
					return;
				}
				call();
				if (sub.stopped) return;
				if (act.act === 'changed') this.model.changed(id, act.collection, act.id, fields);
				else this.model.removed(id, act.collection, act.id);
				return;
			}
			case 'ready':
				context.ready();
				if (!sub.stopped && !sub.ready) this.readies.push(id);
				sub.ready = true;
				return;
			case 'stop':
				context.stop();
				if (!sub.stopped) this.ended(sub);
				return;
			case 'error':
				context.error(new ClientError('on purpose'));
				if (!sub.stopped) this.ended(sub);
		}
	}

	ended(sub: Sub): void {
		sub.stopped = true;
		this.subs.delete(sub.id);
		this.past.push(sub);
		this.model.stopped(sub.id);
		this.nosubs.push(sub.id);
	}

	async setUser(userId: string | null): Promise<void> {
		this.model.beginRerun();
		for (const sub of this.subs.values()) {
			// The run of the publish function ends without a frame, and a new run continues the subscription.
			this.past.push({ ...sub, stopped: true });
			this.subs.set(sub.id, { id: sub.id, ...(sub.role && { role: sub.role }), ready: false, stopped: false });
		}
		const readiesBefore = this.readies.length;
		await this.session.setUser(userId, null);
		for (const sub of this.subs.values()) if (sub.role) this.addFirstResult(sub);
		// A subscription that becomes ready and ends during the rerun receives only `nosub`.
		const stillOpen = this.readies.splice(readiesBefore).filter((id) => this.subs.has(id));
		this.readies.push(...stillOpen);
		this.model.endRerun();
	}

	addFirstResult(sub: Sub): void {
		for (const { _id, roles } of this.permissions.values()) {
			if (roles.includes(sub.role as string)) this.model.added(sub.id, 'merged', _id, { roles });
		}
		this.readies.push(sub.id);
	}

	async write(id: string, roles: string[] | null): Promise<void> {
		if (roles) this.permissions.set(id, { _id: id, roles });
		else this.permissions.delete(id);
		await this.bus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id: id } });
		for (const { id: sub, role } of this.subs.values()) {
			if (!role) continue;
			if (roles?.includes(role)) this.model.added(sub, 'merged', id, { roles });
			else if (this.model.holds(sub, 'merged', id)) this.model.removed(sub, 'merged', id);
		}
	}

	async #play(id: string, { anonymous, user, slow }: Script, context: PublicationContext): Promise<void> {
		const sub = this.subs.get(id) as Sub;
		sub.context = context;
		for (const act of context.userId ? user : anonymous) {
			this.act(sub, act);
			if (slow) await setImmediate();
		}
	}

	/** The part of a collection that live queries use. */
	#collection() {
		const all = this.permissions;
		return {
			async *find(filter: { roles: string } | { _id: { $in: string[] } }) {
				const ids = '_id' in filter ? filter._id.$in : [...all.keys()];
				// The result is computed before the wait, so it may be outdated when it arrives.
				const found = ids.flatMap((id) => all.get(id) ?? []);
				await setImmediate();
				for (const document of found)
					if ('_id' in filter || document.roles.includes(filter.roles)) yield { ...document };
			},
		};
	}
}

type Command = fc.AsyncCommand<object, World>;

function command(name: string, run: (world: World) => void | Promise<void>): Command {
	return {
		check: () => true,
		async run(_model, world) {
			await run(world);
			await world.settle();
		},
		toString: () => name,
	};
}

const subId = fc.constantFrom('s1', 's2', 's3');
const documentId = fc.constantFrom('x', 'y');
const role = fc.constantFrom('r', 'q');
const value = fc.oneof(fc.constantFrom(1, 2), fc.constant(undefined), fc.constant({ deep: [1] }));
const fields = fc.record({ f: value, g: value }, { requiredKeys: [] });
const document = {
	collection: fc.constantFrom('merged', 'merged', 'multi', 'multi', 'plain', 'events'),
	id: documentId,
};
const act: fc.Arbitrary<Act> = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ act: fc.constantFrom('added', 'changed'), ...document, fields }) },
	{ weight: 2, arbitrary: fc.record({ act: fc.constant('removed'), ...document }) },
	{ weight: 2, arbitrary: fc.record({ act: fc.constantFrom('ready', 'ready', 'ready', 'stop', 'error') }) },
) as fc.Arbitrary<Act>;
const acts = fc.array(act, { maxLength: 6, size: 'max' });
const script = fc.record({ anonymous: acts, user: acts, slow: fc.boolean() });

const roles = fc.option(fc.subarray(['r', 'q', 's']));

/** Waits until a live query reads. Its first result arrives only in the next turn of the event loop. */
async function untilReading(): Promise<void> {
	for (let i = 0; i < 20; i++) await undefined;
}

const actOf = fc.tuple(subId, act).map(([id, what]) =>
	command(`${id} ${fc.stringify(what)}`, (world) => {
		const sub = world.subs.get(id);
		if (sub) world.act(sub, what);
	}),
);

const write = fc
	.tuple(documentId, roles)
	.map(([id, roles]) => command(`write ${id} ${fc.stringify(roles)}`, (world) => world.write(id, roles)));

const setUser = fc
	.constantFrom('alice', 'bob', null)
	.map((id) => command(`set user ${id}`, (world) => world.setUser(id)));

const commands = [
	fc.tuple(subId, script).map(([id, plan]) =>
		command(`sub ${id} ${fc.stringify(plan)}`, (world) => {
			if (!world.subs.has(id)) world.subs.set(id, { id, ready: false, stopped: false });
			world.receive({ msg: 'sub', id, name: 'scripted', params: [id, plan] });
		}),
	),
	fc.tuple(subId, role).map(([id, which]) =>
		command(`sub ${id} live ${which}`, (world) => {
			if (!world.subs.has(id)) {
				const sub = { id, role: which, ready: true, stopped: false };
				world.subs.set(id, sub);
				world.addFirstResult(sub);
			}
			world.receive({ msg: 'sub', id, name: 'live', params: [which] });
		}),
	),
	fc.tuple(subId, role).map(([id, which]) =>
		command(`sub ${id} live ${which}, and unsub during its first read`, async (world) => {
			world.receive({ msg: 'sub', id, name: 'live', params: [which] });
			await untilReading();
			const sub = world.subs.get(id);
			if (sub) world.ended(sub);
			else world.nosubs.push(id);
			world.receive({ msg: 'unsub', id });
		}),
	),
	fc.tuple(subId, role, documentId, roles).map(([id, which, written, to]) =>
		command(
			`sub ${id} live ${which}, and write ${written} ${fc.stringify(to)} during its first read`,
			async (world) => {
				const sub = { id, role: which, ready: true, stopped: false };
				const isNew = !world.subs.has(id);
				if (isNew) world.subs.set(id, sub);
				world.receive({ msg: 'sub', id, name: 'live', params: [which] });
				await untilReading();
				await world.write(written, to);
				if (isNew) world.addFirstResult(sub);
			},
		),
	),
	subId.map((id) =>
		command(`unsub ${id}`, (world) => {
			const sub = world.subs.get(id);
			if (sub) world.ended(sub);
			else world.nosubs.push(id);
			world.receive({ msg: 'unsub', id });
		}),
	),
	act.map((what) =>
		command(`each ended subscription or run performs ${fc.stringify(what)}`, (world) => {
			for (const sub of world.past) world.act(sub, what);
		}),
	),
	// Repeated, so that they are chosen more often.
	actOf,
	actOf,
	actOf,
	write,
	write,
	setUser,
	setUser,
];

describe('publications after random operations', () => {
	it('have sent the client the documents of the model', async () => {
		await fc.assert(
			fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (all) => {
				const world = new World();
				await fc.asyncModelRun(() => ({ model: {}, real: world }), all);
				world.session.onClose();
			}),
			{ numRuns: 300 },
		);
	});
});
