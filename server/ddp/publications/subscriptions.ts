/** The subscriptions of one client (`test/contract/ddp.md` sections 10 and 12). */
import { stringify } from '../../../shared/ejson.js';
import { type ClientError, clientError, notFound, toClientError } from '../../../shared/errors.js';
import type { Connection } from '../../../shared/method.js';
import type { Publication } from '../../../shared/publication.js';
import { type CompactSet, compactSetOf, membersOf, removeMember } from '../../core/compact-set.js';
import type { RateLimitClient } from '../../core/limits/rules.js';
import * as codec from '../codec.js';
import type { Transport } from '../transports/transport.js';
import { createFlow } from './flow.js';
import { MergeBox, type Strategy } from './mergebox.js';
import { Subscription } from './subscription.js';
import type { PublicationServices, SubscriptionHost } from './subscription-host.js';

/** The publications of a server. */
export interface Publications {
	readonly named: ReadonlyMap<string, Publication>;
	readonly universal: readonly Publication[];
	strategyOf(collection: string): Strategy;
}

const NO_PARAMS = '[]';

/** Maximum size of the id and parameters of one subscription, in bytes. */
const MAX_BYTES_PER_SUBSCRIPTION = 16 * 1024;

function sizeOf({ id, params }: Subscription): number {
	return Buffer.byteLength(id ?? '') + Buffer.byteLength(params);
}

export interface SubscriptionLimits {
	/** Maximum number of subscriptions of one client at a time. Default 1,000. */
	readonly maxSubscriptions: number;
	/** Maximum total size of the ids and parameters of one client's subscriptions, in bytes. Default 262,144. */
	readonly maxSubscriptionBytes: number;
}

/** What `Subscriptions` needs of a session. */
export interface SubscriberSession {
	readonly services: PublicationServices & { readonly publications: Publications };
	readonly connection: Connection | null;
	readonly transport: Transport;
	readonly options: SubscriptionLimits;
}

export class Subscriptions implements SubscriptionHost<Subscription> {
	readonly mergeBox: MergeBox;
	/** The subscriptions that the client has requested, by id. Created on first use: an empty Map takes 180 bytes. */
	#named: Map<string, Subscription> | undefined;
	/** Subscriptions of universal publications, which every client receives. */
	#universal: CompactSet<Subscription>;
	/** Total size of the ids and parameters of the named subscriptions, in bytes. */
	#bytes = 0;
	/** Set during the rerun after a change of user: ids of the subscriptions that have become ready in it. */
	#readyInRerun: string[] | undefined;
	/** The last change of user, while it is in progress. The next change waits for it. */
	#userChange: Promise<void> | undefined;
	#closed = false;

	constructor(private readonly session: SubscriberSession) {
		this.mergeBox = new MergeBox(session.transport, session.services.publications.strategyOf);
	}

	/** Number of subscriptions that the client has requested. */
	get count(): number {
		return this.#named?.size ?? 0;
	}

	get isClosed(): boolean {
		return this.#closed;
	}

	get services(): PublicationServices {
		return this.session.services;
	}

	get connection(): Connection | null {
		return this.session.connection;
	}

	get transport(): Transport {
		return this.session.transport;
	}

	/**
	 * Starts a subscription. A request with the id of an active subscription is ignored. But as in Meteor, an unknown name
	 * is answered with `nosub` before the id is looked at, and the active subscription goes on.
	 * @param client its user may change during the check of the rate limit
	 * @param unblock lets the connection's next message start
	 * @returns resolves when the next message may start, even if `unblock` was not called; undefined if it may start now
	 */
	start(request: codec.Sub, client: RateLimitClient, unblock: () => void): Promise<void> | undefined {
		const { id, name } = request;
		const publication = this.session.services.publications.named.get(name);
		if (!publication) {
			this.transport.send(codec.nosub(id, notFound('Subscription', name)));
			return undefined;
		}
		if (this.#named?.has(id)) return undefined;
		const rateLimitCheck = this.services.limits?.count('subscription', name, client);
		if (!rateLimitCheck) return this.startAllowed(publication, request, client, unblock);
		return rateLimitCheck.then(
			() => this.startAllowed(publication, request, client, unblock),
			(error) => this.transport.send(codec.nosub(id, toClientError(error))),
		);
	}

	private startAllowed(
		publication: Publication,
		{ id, params = [] }: codec.Sub,
		{ userId }: RateLimitClient,
		unblock: () => void,
	): Promise<void> | undefined {
		// The session may have ended during the check of the rate limit.
		if (this.#closed) return undefined;
		this.#named ??= new Map();
		if (this.#named.size >= this.session.options.maxSubscriptions) {
			this.transport.send(codec.nosub(id, clientError('tooManySubscriptions')));
			return undefined;
		}
		// Surplus parameters are ignored.
		const paramsText = stringify(params.slice(0, publication.args.length)) as string;
		const subscription = new Subscription(id, publication, paramsText, userId, this);
		const bytes = sizeOf(subscription);
		if (bytes > MAX_BYTES_PER_SUBSCRIPTION) {
			this.transport.send(codec.nosub(id, clientError('subscriptionTooLarge')));
			return undefined;
		}
		if (this.#bytes + bytes > this.session.options.maxSubscriptionBytes) {
			this.transport.send(codec.nosub(id, clientError('subscriptionsTooLarge')));
			return undefined;
		}
		this.#bytes += bytes;
		this.#named.set(id, subscription);
		return subscription.run(unblock);
	}

	/**
	 * Ends a subscription. `nosub` is sent even if the subscription does not exist.
	 * @returns resolves when `nosub` has been sent; undefined if it already has been
	 */
	stop(id: string): Promise<void> | undefined {
		const subscription = this.#named?.get(id);
		if (subscription) subscription.stop();
		else this.transport.send(codec.nosub(id));
		return subscription?.removal;
	}

	async startUniversal(userId: string | null): Promise<void> {
		if (this.#closed) return;
		const subscriptions = this.session.services.publications.universal.map(
			(publication) => new Subscription(null, publication, NO_PARAMS, userId, this),
		);
		this.#universal = compactSetOf(subscriptions);
		await Promise.all(subscriptions.map((subscription) => subscription.run()));
	}

	/**
	 * Runs all subscriptions again for another user, and sends only the difference (`test/contract/ddp.md` section 12).
	 */
	changeUser(userId: string | null): Promise<void> {
		const previous = this.#userChange ?? Promise.resolve();
		const change = previous
			.then(() => this.rerunFor(userId))
			.finally(() => {
				if (this.#userChange === change) this.#userChange = undefined;
			});
		this.#userChange = change;
		return change;
	}

	private async rerunFor(userId: string | null): Promise<void> {
		// A removal of documents in progress ends first, because `beginRerun` starts a new record of the client's documents.
		await this.whenRemovalsDone();
		if (this.#closed) return;
		const ended: Subscription[] = [];
		for (const subscription of [...this.#all()]) {
			// An `onStop` listener of another subscription may have stopped this one.
			if (subscription.hasStopped) continue;
			subscription.endSilently();
			if (subscription.id !== null) ended.push(subscription);
		}
		// An `onStop` listener may have closed the connection.
		if (this.#closed) return;
		this.mergeBox.beginRerun();
		this.#readyInRerun = [];
		const restarted = ended.map(
			({ id, publication, params }) => new Subscription(id, publication, params, userId, this),
		);
		for (const subscription of restarted) this.#named?.set(subscription.id as string, subscription);
		await Promise.all([...restarted.map((subscription) => subscription.run()), this.startUniversal(userId)]);
		if (this.#closed) return;
		await this.mergeBox.sendDiff(createFlow(this.transport));
		if (this.#closed) return;
		const readyInRerun = this.#readyInRerun;
		this.#readyInRerun = undefined;
		if (readyInRerun.length > 0) this.transport.send(codec.ready(readyInRerun));
	}

	/** Resolves when the documents of all ending subscriptions are removed, and `nosub` is sent for each. */
	async whenRemovalsDone(): Promise<void> {
		for (let removal = this.#findRemoval(); removal; removal = this.#findRemoval()) await removal;
	}

	/**
	 * A removal in progress. Does not copy the subscriptions to an array, because this runs for each call of the client that
	 * has written to the store.
	 */
	#findRemoval(): Promise<void> | undefined {
		for (const { removal } of this.#all()) if (removal) return removal;
		return undefined;
	}

	*#all(): Iterable<Subscription> {
		if (this.#named) yield* this.#named.values();
		yield* membersOf(this.#universal);
	}

	/** Ends all subscriptions, and sends nothing. */
	close(): void {
		this.#closed = true;
		const all = [...this.#all()];
		this.#named = undefined;
		this.#universal = undefined;
		for (const subscription of all) subscription.endSilently();
	}

	onReady(id: string): void {
		if (this.#readyInRerun) this.#readyInRerun.push(id);
		else this.transport.send(codec.ready([id]));
	}

	onClose(subscription: Subscription, error: ClientError | undefined): void {
		const { id } = subscription;
		if (id === null) this.#universal = removeMember(this.#universal, subscription);
		else {
			this.#named?.delete(id);
			this.#bytes -= sizeOf(subscription);
			this.#readyInRerun = this.#readyInRerun?.filter((other) => other !== id);
		}
		// For a universal publication, `nosub` is sent only with an error.
		if (id !== null || error) this.transport.send(codec.nosub(id, error));
	}
}
