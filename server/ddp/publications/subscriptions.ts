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

const nothing = () => {};

/** No parameters, as EJSON. */
const NONE = '[]';

/**
 * Maximum size of the ids and parameters stored for a subscription, in bytes: a client may have very many
 * subscriptions.
 */
const LARGEST = 16 * 1024;

/** The size of the stored id and parameters of a subscription, in bytes. */
function sizeOf({ id, params }: Subscription): number {
	return Buffer.byteLength(id ?? '') + Buffer.byteLength(params);
}

export interface SubscriptionLimits {
	/** Most subscriptions of one client at a time. Default 1,000. */
	readonly maxSubscriptions: number;
	/** Maximum total size of their ids and parameters, in bytes. Default 262,144. */
	readonly maxSubscriptionBytes: number;
}

/** The user of the subscriptions. */
export interface SubscriptionsHost {
	readonly services: PublicationServices & { readonly publications: Publications };
	readonly connection: Connection | null;
	readonly transport: Transport;
	readonly options: SubscriptionLimits;
}

export class Subscriptions implements SubscriptionHost<Subscription> {
	readonly box: MergeBox;
	/**
	 * The subscriptions that the client has requested, by id. A Map for every client would take 180 bytes of an idle one.
	 */
	#named: Map<string, Subscription> | undefined;
	#universal: CompactSet<Subscription>;
	/** The total size of the stored ids and parameters of named subscriptions, in bytes. */
	#bytes = 0;
	/** While the user changes: subscriptions that became ready. */
	#readyAnew: string[] | undefined;
	/** While the user changes: the last change, which the next one waits for. */
	#change: Promise<void> | undefined;
	#closed = false;

	constructor(private readonly host: SubscriptionsHost) {
		this.box = new MergeBox(host.transport, host.services.publications.strategyOf);
	}

	/** Number of subscriptions that the client has requested. */
	get count(): number {
		return this.#named?.size ?? 0;
	}

	get isClosed(): boolean {
		return this.#closed;
	}

	get services(): PublicationServices {
		return this.host.services;
	}

	get connection(): Connection | null {
		return this.host.connection;
	}

	get transport(): Transport {
		return this.host.transport;
	}

	/**
	 * Starts a subscription; an id that is already active is ignored.
	 * @param client the subscriber, whose user may change meanwhile
	 * @param unblock lets the connection's next message start
	 * @returns resolves when the next message may start in any case; undefined: immediately
	 */
	start(request: codec.Sub, client: RateLimitClient, unblock: () => void): Promise<void> | undefined {
		const { id, name } = request;
		const publication = this.host.services.publications.named.get(name);
		if (!publication) {
			this.transport.send(codec.nosub(id, notFound('Subscription', name)));
			return undefined;
		}
		if (this.#named?.has(id)) return undefined;
		const counting = this.services.limits?.count('subscription', name, client);
		if (!counting) return this.startCounted(publication, request, client, unblock);
		return counting.then(
			() => this.startCounted(publication, request, client, unblock),
			(error) => this.transport.send(codec.nosub(id, toClientError(error))),
		);
	}

	/** Starts a subscription after it was counted. */
	private startCounted(
		publication: Publication,
		{ id, params = [] }: codec.Sub,
		{ userId }: RateLimitClient,
		unblock: () => void,
	): Promise<void> | undefined {
		// The client may have disconnected during the count.
		if (this.#closed) return undefined;
		this.#named ??= new Map();
		if (this.#named.size >= this.host.options.maxSubscriptions) {
			this.transport.send(codec.nosub(id, clientError('tooManySubscriptions')));
			return undefined;
		}
		// Surplus parameters are ignored.
		const text = stringify(params.slice(0, publication.args.length)) as string;
		const subscription = new Subscription(id, publication, text, userId, this);
		const bytes = sizeOf(subscription);
		if (bytes > LARGEST) {
			this.transport.send(codec.nosub(id, clientError('subscriptionTooLarge')));
			return undefined;
		}
		if (this.#bytes + bytes > this.host.options.maxSubscriptionBytes) {
			this.transport.send(codec.nosub(id, clientError('subscriptionsTooLarge')));
			return undefined;
		}
		this.#bytes += bytes;
		this.#named.set(id, subscription);
		return subscription.run(unblock);
	}

	/**
	 * Ends a subscription. The client gets `nosub`, also for one that does not exist.
	 * @returns resolves when it has ended; undefined if it has already ended
	 */
	stop(id: string): Promise<void> | undefined {
		const subscription = this.#named?.get(id);
		if (subscription) subscription.stop();
		else this.transport.send(codec.nosub(id));
		return subscription?.removing;
	}

	/** Starts the universal publications. */
	async startUniversal(userId: string | null): Promise<void> {
		if (this.#closed) return;
		const subscriptions = this.host.services.publications.universal.map(
			(publication) => new Subscription(null, publication, NONE, userId, this),
		);
		this.#universal = compactSetOf(subscriptions);
		await Promise.all(subscriptions.map((subscription) => subscription.run(nothing)));
	}

	/** Runs all subscriptions again for another user, and sends only the difference (section 12). */
	changeUser(userId: string | null): Promise<void> {
		const before = this.#change ?? Promise.resolve();
		const change = before
			.then(() => this.changeUserNow(userId))
			.finally(() => {
				if (this.#change === change) this.#change = undefined;
			});
		this.#change = change;
		return change;
	}

	private async changeUserNow(userId: string | null): Promise<void> {
		await this.#allEnded();
		if (this.#closed) return;
		const before = [...(this.#named?.values() ?? [])];
		for (const subscription of [...before, ...membersOf(this.#universal)]) subscription.abandon();
		// An `onStop` listener may have closed the connection. A subscription started then would never end.
		if (this.#closed) return;
		this.box.beginRerun();
		this.#readyAnew = [];
		const anew = before.map(({ id, publication, params }) => new Subscription(id, publication, params, userId, this));
		for (const subscription of anew) this.#named?.set(subscription.id as string, subscription);
		await Promise.all([...anew.map((subscription) => subscription.run(nothing)), this.startUniversal(userId)]);
		if (this.#closed) return;
		await this.box.sendDiff(createFlow(this.transport));
		if (this.#closed) return;
		const readyAnew = this.#readyAnew;
		this.#readyAnew = undefined;
		if (readyAnew.length > 0) this.transport.send(codec.ready(readyAnew));
	}

	/** Resolves when no subscription is ending: their documents must be removed before a rerun. */
	async #allEnded(): Promise<void> {
		for (;;) {
			const removing = [...(this.#named?.values() ?? []), ...membersOf(this.#universal)].map((s) => s.removing);
			if (removing.every((promise) => promise === undefined)) return;
			await Promise.all(removing);
		}
	}

	/** Ends all subscriptions without messages: the client has disconnected. */
	close(): void {
		this.#closed = true;
		const all = [...(this.#named?.values() ?? []), ...membersOf(this.#universal)];
		this.#named = undefined;
		this.#universal = undefined;
		for (const subscription of all) subscription.abandon();
	}

	ready(id: string): void {
		if (this.#readyAnew) this.#readyAnew.push(id);
		else this.transport.send(codec.ready([id]));
	}

	onClose(subscription: Subscription, error: ClientError | undefined): void {
		const { id } = subscription;
		if (id === null) this.#universal = removeMember(this.#universal, subscription);
		else {
			this.#named?.delete(id);
			this.#bytes -= sizeOf(subscription);
			this.#readyAnew = this.#readyAnew?.filter((other) => other !== id);
		}
		if (id !== null || error) this.transport.send(codec.nosub(id, error));
	}
}
