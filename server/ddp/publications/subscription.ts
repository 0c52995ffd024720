/** One subscription of one client: an execution of a publish function (`test/contract/ddp.md` section 10). */
import { collectionsOf, type DeclaredCollections, declaredName } from '../../../shared/collections.js';
import { notDeclared } from '../../../shared/definition.js';
import { clone, parse, stringify } from '../../../shared/ejson.js';
import { type ClientError, clientError, toClientError } from '../../../shared/errors.js';
import type { Log } from '../../../shared/log.js';
import { type Connection, checkArgs, type Settings } from '../../../shared/method.js';
import type { Publication, PublicationContext } from '../../../shared/publication.js';
import type { Store } from '../../../shared/store.js';
import { type CompactSet, compactSetOf, membersOf } from '../../core/compact-set.js';
import { type TimeoutClock, withTimeout } from '../../core/invocation.js';
import { logThrown } from '../../core/logThrown.js';
import { wireId } from '../codec.js';
import { DocumentMap } from './document-map.js';
import { createFlow, forEachInFlow } from './flow.js';
import { type DocumentPublisher, LiveQuerySubscriber } from './live-query.js';
import { queriesIn } from './returned-queries.js';
import type { PublicationServices, SubscriptionHost } from './subscription-host.js';

type Fields = Record<string, unknown>;

/**
 * A copy of published fields: later changes by the publish function must not show. Fields that cannot be encoded are
 * refused now, because they may be sent later, when another subscription stops.
 * @throws Error for what cannot be encoded, such as a BigInt
 */
function copyOf(fields: Fields): Fields {
	stringify(fields);
	return clone(fields);
}

export class Subscription implements PublicationContext, DocumentPublisher {
	#state: 'starting' | 'ready' | 'stopped' = 'starting';
	#unblock: (() => void) | undefined;
	/** Clock of the time limit, while it runs. */
	#clock: TimeoutClock | undefined;
	readonly #controller = new AbortController();
	#onStop: (() => void | Promise<void>)[] | undefined;
	#queries: CompactSet<LiveQuerySubscriber>;
	/** Ids of the documents that the publish function has added itself. */
	#documents: DocumentMap<unknown> | undefined;
	/** Set while its documents are being removed. */
	removing: Promise<void> | undefined;

	constructor(
		/** Null for a universal publication. */
		readonly id: string | null,
		readonly publication: Publication,
		/** Its parameters as EJSON text, whose size can be limited; it is parsed again for each run. */
		readonly params: string,
		readonly userId: string | null,
		readonly host: SubscriptionHost<Subscription>,
	) {}

	get hasStopped(): boolean {
		return this.#state === 'stopped';
	}

	get connection(): Connection | null {
		return this.host.connection;
	}

	get services(): PublicationServices {
		return this.host.services;
	}

	get store(): Store {
		return this.host.services.store;
	}

	get collections(): DeclaredCollections {
		return collectionsOf(this.store);
	}

	get settings(): Settings {
		return this.host.services.settings;
	}

	get log(): Log {
		return this.host.services.log;
	}

	get signal(): AbortSignal {
		return this.#controller.signal;
	}

	/**
	 * Runs the publish function.
	 * @param unblock lets the connection's next message start
	 * @returns resolves when it has returned and its live queries are published; never rejects
	 */
	async run(unblock: () => void): Promise<void> {
		// An earlier subscription in the same turn may have closed the connection.
		if (this.hasStopped) return;
		this.#unblock = unblock;
		try {
			const { publication } = this;
			const args = checkArgs(publication, parse(this.params) as unknown[]);
			if (!publication.anonymous && this.userId === null) throw clientError('invalidUser');
			await withTimeout(publication.timeout, async (clock) => {
				this.#clock = clock;
				await this.publishReturned(await publication.run(args, this));
			});
		} catch (thrown) {
			this.fail(thrown);
		}
		// Neither has an effect any more, and both would use memory as long as the subscription exists.
		this.#unblock = undefined;
		this.#clock = undefined;
	}

	unblock(): void {
		this.#unblock?.();
	}

	added(collection: string, id: unknown, fields: Fields): void {
		if (this.hasStopped) return;
		this.publishAdded(collection, id, copyOf(fields));
		if (!this.host.box.removesOnStop(collection)) return;
		this.#documents ??= new DocumentMap();
		this.#documents.set(collection, wireId(id), id);
	}

	changed(collection: string, id: unknown, fields: Fields): void {
		if (!this.hasStopped) this.host.box.changed(this, collection, id, copyOf(fields));
	}

	removed(collection: string, id: unknown): void {
		if (this.hasStopped) return;
		this.host.box.removed(this, collection, id);
		this.#documents?.delete(collection, wireId(id));
		for (const query of membersOf(this.#queries)) query.forget(collection, id);
	}

	ready(): void {
		if (this.#state !== 'starting' || this.id === null) return;
		this.#state = 'ready';
		this.host.ready(this.id);
	}

	error(error?: unknown): void {
		if (error === undefined) this.stop();
		else this.fail(error);
	}

	stop(): void {
		this.close();
	}

	onStop(listener: () => void | Promise<void>): void {
		if (this.hasStopped) this.callSafely(listener);
		else if (this.#onStop) this.#onStop.push(listener);
		else this.#onStop = [listener];
	}

	async call(name: string, ...args: unknown[]): Promise<unknown> {
		const outer = this;
		const { userId, connection } = this;
		const result = await this.host.services.invoker.invoke(name, clone(args), {
			isNested: true,
			userId,
			hashedToken: null,
			connection,
			clientAddress: connection?.clientAddress ?? null,
			get signal() {
				return outer.signal;
			},
		});
		return clone(result);
	}

	/** Ends it: removes its documents, then sends `nosub`. `removing` is set while that is in progress. */
	close(error?: ClientError): void {
		if (this.hasStopped) return;
		const queries = this.#queries;
		this.abandon();
		const { box, transport } = this.host;
		const removing = forEachInFlow(
			this.sentIn(queries),
			([collection, id]) => box.release(this, collection, id),
			createFlow(transport),
		);
		if (!removing) this.host.onClose(this, error);
		else {
			this.removing = removing.then(() => {
				this.removing = undefined;
				this.host.onClose(this, error);
			});
		}
	}

	/** Iterates over the documents to remove, as collection and id. Stops when the client has disconnected. */
	private *sentIn(queries: CompactSet<LiveQuerySubscriber>): Iterable<[string, unknown]> {
		const documents = this.#documents ?? new DocumentMap();
		for (const collection of documents.collections()) {
			for (const [, id] of documents.of(collection)) {
				if (this.host.isClosed) return;
				yield [collection, id];
			}
		}
		for (const { name, sentIds } of membersOf(queries)) {
			if (!this.host.box.removesOnStop(name)) continue;
			for (const id of sentIds) {
				if (this.host.isClosed) return;
				// Some documents may have been added in both ways.
				if (!documents.get(name, wireId(id))) yield [name, id];
			}
		}
	}

	/** Ends it without a message: the client has disconnected, or will receive the difference to another run. */
	abandon(): void {
		if (this.hasStopped) return;
		this.#state = 'stopped';
		this.#controller.abort();
		for (const query of membersOf(this.#queries)) query.stop();
		this.#queries = undefined;
		const listeners = this.#onStop ?? [];
		this.#onStop = undefined;
		for (const listener of listeners) this.callSafely(listener);
	}

	publishAdded(collection: string, id: unknown, fields: Fields): void {
		if (!this.hasStopped) this.host.box.added(this, collection, id, fields);
	}

	publishChanged(collection: string, id: string, changes: Fields, before?: Fields, after?: Fields): void {
		this.host.box.changed(this, collection, id, changes, before, after);
	}

	publishRemoved(collection: string, id: string): void {
		this.removed(collection, id);
	}

	whenDrained(): Promise<void> | undefined {
		const drained = this.host.transport.whenDrained();
		return drained && (this.#clock?.exclude(drained) ?? drained);
	}

	/** Publishes the live queries that a publish function returned. */
	private async publishReturned(returned: unknown): Promise<void> {
		if (!returned || this.hasStopped) return;
		const queries = queriesIn(returned);
		for (const { collection } of queries) if (!(collection in this.store)) throw notDeclared(declaredName(collection));
		const subscribers = queries.map((query) => new LiveQuerySubscriber(query, this));
		this.#queries = compactSetOf(subscribers);
		await Promise.all(subscribers.map((subscriber) => subscriber.start()));
		this.ready();
	}

	/** Ends it with an error, which is logged. */
	fail(thrown: unknown): void {
		if (this.hasStopped) return;
		const { name } = this.publication;
		logThrown(this.host.services, { subscription: name }, `Exception from sub ${name} id ${this.id}`, thrown);
		this.close(toClientError(thrown));
	}

	private callSafely(listener: () => void | Promise<void>): void {
		const failed = (err: unknown) => this.log.error({ err }, `Exception in onStop of ${this.publication.name}`);
		try {
			listener()?.catch(failed);
		} catch (err) {
			failed(err);
		}
	}
}
