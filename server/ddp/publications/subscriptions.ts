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
import { type PublicationServices, Subscription, type SubscriptionHost } from './subscription.js';

/** The publications of a server. */
export interface Publications {
	readonly named: ReadonlyMap<string, Publication>;
	readonly universal: readonly Publication[];
	strategyOf(collection: string): Strategy;
}

const nothing = () => {};

/** No parameters, as EJSON. */
const NONE = '[]';

/** Most bytes that are kept of a subscription as long as it runs: a client may have very many of them. */
const LARGEST = 16 * 1024;

/** What is kept of a subscription, in bytes. */
function sizeOf({ id, params }: Subscription): number {
	return Buffer.byteLength(id ?? '') + Buffer.byteLength(params);
}

export interface SubscriptionLimits {
	/** Most subscriptions of one client at a time. Default 1,000. */
	readonly maxSubscriptions: number;
	/** Most bytes of ids and parameters of all of them together. Default 262,144. */
	readonly maxSubscriptionBytes: number;
}

/** Whose subscriptions they are. */
export interface SubscriptionsHost {
	readonly services: PublicationServices & { readonly publications: Publications };
	readonly connection: Connection | null;
	readonly transport: Transport;
	readonly options: SubscriptionLimits;
}

export class Subscriptions implements SubscriptionHost {
	readonly box: MergeBox;
	/** Those the client has asked for, by id. A Map for every client would take 180 bytes of an idle one. */
	#named: Map<string, Subscription> | undefined;
	#universal: CompactSet<Subscription>;
	/** What is kept of all that are named, in bytes. */
	#bytes = 0;
	/** While the user changes: subscriptions that became ready. */
	#readyAnew: string[] | undefined;
	/** While the user changes: the last change, which the next one waits for. */
	#change: Promise<void> | undefined;
	#closed = false;

	constructor(private readonly host: SubscriptionsHost) {
		this.box = new MergeBox(host.transport, host.services.publications.strategyOf);
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
	 * Starts a subscription; one whose id is active already is passed over.
	 * @param client the subscriber, whose user may change meanwhile
	 * @param unblock lets the connection's next message start
	 * @returns resolves when the next message may start anyhow; undefined: at once
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

	/** Starts one that was counted. */
	private startCounted(
		publication: Publication,
		{ id, params = [] }: codec.Sub,
		{ userId }: RateLimitClient,
		unblock: () => void,
	): Promise<void> | undefined {
		// The client may have gone while it was counted.
		if (this.#closed) return undefined;
		this.#named ??= new Map();
		if (this.#named.size >= this.host.options.maxSubscriptions) {
			this.transport.send(codec.nosub(id, clientError('tooManySubscriptions')));
			return undefined;
		}
		// Those too many are ignored.
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
	 * @returns resolves when it has ended; undefined if it has
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

	/** Runs everything again for another user, and sends only what differs (section 12). */
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

	/** Resolves when no subscription is about to end: what those have shown must be taken away before others run again. */
	async #allEnded(): Promise<void> {
		for (;;) {
			const removing = [...(this.#named?.values() ?? []), ...membersOf(this.#universal)].map((s) => s.removing);
			if (removing.every((promise) => promise === undefined)) return;
			await Promise.all(removing);
		}
	}

	/** The client has gone. */
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
