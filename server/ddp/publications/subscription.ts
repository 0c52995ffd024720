/** One subscription of one client: an execution of a publish function (`test/contract/ddp.md` section 10). */
import { collectionsOf, type DeclaredCollections, declaredName } from '../../../shared/collections.js';
import { notDeclared } from '../../../shared/definition.js';
import { clone, parse, stringify } from '../../../shared/ejson.js';
import { type ClientError, clientError, toClientError } from '../../../shared/errors.js';
import type { Log } from '../../../shared/log.js';
import { type Connection, checkArgs, type Settings } from '../../../shared/method.js';
import type { LiveQuery, Publication, PublicationContext } from '../../../shared/publication.js';
import type { Store } from '../../../shared/store.js';
import { describeType, isFields } from '../../../shared/values.js';
import { bindOnRead } from '../../core/bindOnRead.js';
import { callListener } from '../../core/callListener.js';
import { addMember, type CompactSet, membersOf } from '../../core/compact-set.js';
import { logThrown } from '../../core/logThrown.js';
import { type TimeoutClock, withTimeout } from '../../core/timeout.js';
import { loggedId, wireId } from '../codec.js';
import { DocumentMap } from './document-map.js';
import { documentsToRemove } from './documents-to-remove.js';
import { createFlow, forEachInFlow } from './flow.js';
import { type DocumentPublisher, LiveQuerySubscriber } from './live-query.js';
import { runPublication } from './returned-queries.js';
import type { PublicationServices, SubscriptionHost } from './subscription-host.js';

type Fields = Record<string, unknown>;

/**
 * Copies published fields, because the publish function may change its object later. Checks now that they can be
 * encoded. While another subscription of the client publishes the same field, the value is not sent yet. An error at
 * that later time would come too late.
 * @throws TypeError if the name of the collection is no text or the fields are no object
 * @throws Error for fields that cannot be encoded, such as a BigInt
 */
function checkedCopyOf(collection: unknown, fields: Fields): Fields {
	if (typeof collection !== 'string') throw new TypeError(`The name of a collection must be a text, not ${collection}`);
	stringify(fields);
	const copy: unknown = clone(fields);
	// An instance of a class is accepted: its copy is a plain object.
	if (!isFields(copy)) throw new TypeError(`The fields of a document must be an object, not ${describeType(copy)}`);
	return copy;
}

export class Subscription implements PublicationContext, DocumentPublisher {
	#state: 'starting' | 'ready' | 'stopped' = 'starting';
	#unblock: (() => void) | undefined;
	/** Limits the time of the publish function while it runs. Waiting for a slow client does not count. */
	#timeoutClock: TimeoutClock | undefined;
	/**
	 * Called when the subscription ends. While the publish function runs, lets `run` end; afterwards stops the timer of
	 * `scheduleReadyWarning`.
	 */
	#onEnd: (() => void) | undefined;
	readonly #controller = new AbortController();
	#stopListeners: (() => void | Promise<void>)[] | undefined;
	#queries: CompactSet<LiveQuerySubscriber>;
	/** Ids of the documents that the publish function has added itself. */
	#addedDocuments: DocumentMap<unknown> | undefined;
	/** Set while the subscription's documents are being removed from the client. Resolves when `nosub` has been sent. */
	removal: Promise<void> | undefined;

	constructor(
		/** Null for a universal publication. */
		readonly id: string | null,
		readonly publication: Publication,
		/** The parameters as EJSON text, which is parsed again when the user changes. */
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
	 * @param unblock lets the connection's next message start. Without it no message waits for the function
	 * @returns resolves when the function has ended and its live queries are published. Resolves earlier if the
	 *   subscription ends and no message waits for the function. Never rejects
	 */
	async run(unblock?: () => void): Promise<void> {
		// Another subscription may have closed the connection.
		if (this.hasStopped) return;
		this.#unblock = unblock;
		const ended = new Promise<void>((resolve) => {
			this.#onEnd = resolve;
		});
		try {
			const { publication } = this;
			const args = checkArgs(publication, parse(this.params) as unknown[]);
			if (!publication.anonymous && this.userId === null) throw clientError('invalidUser');
			const published = withTimeout(publication.timeout, async (clock) => {
				this.#timeoutClock = clock;
				const queries = await runPublication(publication, args, this);
				if (queries) await this.publishQueries(queries);
			});
			await Promise.race([published, ended]);
		} catch (thrown) {
			this.fail(thrown);
		}
		// Not needed any more. They would occupy memory as long as the subscription exists.
		this.#unblock = undefined;
		this.#timeoutClock = undefined;
		this.#onEnd = undefined;
		if (this.#state === 'starting' && this.id !== null) this.scheduleReadyWarning();
	}

	/** Logs a warning if the subscription is still not ready after the time limit. */
	private scheduleReadyWarning(): void {
		const { name, timeout } = this.publication;
		const timer = setTimeout(() => {
			if (this.#state !== 'starting') return;
			this.log.warn({ subscription: name }, `Publication '${name}' returned no live query and has not called ready`);
		}, timeout).unref();
		this.#onEnd = () => clearTimeout(timer);
	}

	unblock(): void {
		const unblock = this.#unblock;
		this.#unblock = undefined;
		unblock?.();
	}

	added(collection: string, id: unknown, fields: Fields): void {
		if (this.hasStopped) return;
		this.publishAdded(collection, id, checkedCopyOf(collection, fields));
		if (!this.host.mergeBox.removesOnStop(collection)) return;
		this.#addedDocuments ??= new DocumentMap();
		this.#addedDocuments.set(collection, wireId(id), id);
	}

	changed(collection: string, id: unknown, fields: Fields): void {
		if (!this.hasStopped) this.host.mergeBox.changed(this, collection, id, checkedCopyOf(collection, fields));
	}

	removed(collection: string, id: unknown): void {
		if (this.hasStopped) return;
		this.host.mergeBox.removed(this, collection, id);
		this.#addedDocuments?.delete(collection, wireId(id));
		for (const query of membersOf(this.#queries)) query.forget(collection, id);
	}

	ready(): void {
		if (this.#state !== 'starting' || this.id === null) return;
		this.#state = 'ready';
		this.host.onReady(this.id);
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
		else if (this.#stopListeners) this.#stopListeners.push(listener);
		else this.#stopListeners = [listener];
	}

	async call(name: string, ...args: unknown[]): Promise<unknown> {
		const subscription = this;
		const { userId, connection } = this;
		const result = await this.host.services.invoker.invoke(name, clone(args), {
			isNested: true,
			userId,
			hashedToken: null,
			connection,
			clientAddress: connection?.clientAddress ?? null,
			// Node creates the signal on first use, and most methods do not use it.
			get signal() {
				return subscription.signal;
			},
		});
		return clone(result);
	}

	/**
	 * Ends the subscription: removes its documents from the client, then sends `nosub`. Sets `removal` if that takes
	 * time.
	 */
	close(error?: ClientError): void {
		if (this.hasStopped) return;
		const queries = this.#queries;
		this.endSilently();
		const { mergeBox, transport } = this.host;
		const removal = forEachInFlow(
			documentsToRemove(this.#addedDocuments, queries, this.host),
			([collection, id]) => mergeBox.release(this, collection, id),
			createFlow(transport),
		);
		if (!removal) this.host.onClose(this, error);
		else {
			this.removal = removal.then(() => {
				this.removal = undefined;
				this.host.onClose(this, error);
			});
		}
	}

	/**
	 * Ends the subscription and sends nothing: the session has ended, or the subscription is run again for another user.
	 * `close` also calls this.
	 */
	endSilently(): void {
		if (this.hasStopped) return;
		this.#state = 'stopped';
		this.#controller.abort();
		for (const query of membersOf(this.#queries)) query.stop();
		this.#queries = undefined;
		const listeners = this.#stopListeners ?? [];
		this.#stopListeners = undefined;
		for (const listener of listeners) this.callSafely(listener);
		// True if the client's next message may still be waiting for the publish function. Then `run` waits for the function.
		const isAwaited = this.#unblock !== undefined && !this.host.isClosed;
		if (isAwaited) return;
		// Lets `run` end, because the publish function may never end. Otherwise the `sub` request would count as unanswered
		// for ever (see `Requests`), and the time limit would keep this object in memory.
		this.#timeoutClock?.end();
		this.#onEnd?.();
	}

	publishAdded(collection: string, id: unknown, fields: Fields): void {
		if (!this.hasStopped) this.host.mergeBox.added(this, collection, id, fields);
	}

	publishChanged(collection: string, id: string, changes: Fields, before?: Fields, after?: Fields): void {
		this.host.mergeBox.changed(this, collection, id, changes, before, after);
	}

	publishRemoved(collection: string, id: string): void {
		this.removed(collection, id);
	}

	whenDrained(): Promise<void> | undefined {
		const drained = this.host.transport.whenDrained();
		return drained && this.#timeoutClock ? this.#timeoutClock.exclude(drained) : drained;
	}

	private async publishQueries(queries: readonly LiveQuery[]): Promise<void> {
		if (this.hasStopped) return;
		for (const { collection } of queries) if (!(collection in this.store)) throw notDeclared(declaredName(collection));
		// Recorded one by one, so that the subscribers already made can be stopped if a filter is refused.
		for (const query of queries) this.#queries = addMember(this.#queries, new LiveQuerySubscriber(query, this));
		await Promise.all([...membersOf(this.#queries)].map((subscriber) => subscriber.start()));
		this.ready();
	}

	/** Ends the subscription with an error, and logs it unless it is a client error. */
	fail(thrown: unknown): void {
		if (this.hasStopped) return;
		const { publication, userId, id, connection, host } = this;
		const { kind, clientAddress } = host.transport;
		const requestId = id === null ? undefined : loggedId(id);
		const caller = { userId, hashedToken: null, connection, clientAddress, transport: kind, requestId };
		const text = `Exception from sub ${publication.name} id ${requestId ?? null}`;
		logThrown(host.services, { subscription: publication.name }, text, thrown, caller);
		this.close(toClientError(thrown));
	}

	private callSafely(listener: () => void | Promise<void>): void {
		void callListener(listener, (err) => this.log.error({ err }, `Exception in onStop of ${this.publication.name}`));
	}
}

bindOnRead(Subscription.prototype, [
	'unblock',
	'added',
	'changed',
	'removed',
	'ready',
	'error',
	'stop',
	'onStop',
	'call',
]);
