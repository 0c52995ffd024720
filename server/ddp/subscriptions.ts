/** The subscriptions of one client (`contract/ddp.md` sections 10 and 12). */
import { type ClientError, notFound, refusal, toClientError } from '../../shared/errors.js';
import type { Connection } from '../../shared/method.js';
import type { Publication } from '../../shared/publication.js';
import { type Few, fewOf, membersOf, withoutMember } from '../few.js';
import type { Client } from '../limits/rate.js';
import * as codec from './codec.js';
import { MergeBox, type Strategy } from './mergebox.js';
import type { Sub } from './messages.js';
import { type PublicationServices, Subscription, type SubscriptionHost } from './subscription.js';
import type { Transport } from './transport.js';

/** The publications of a server. */
export interface Publications {
	readonly named: ReadonlyMap<string, Publication>;
	readonly universal: readonly Publication[];
	strategyOf(collection: string): Strategy;
}

const nothing = () => {};

const NONE: readonly unknown[] = [];

/** What is kept of a subscription as long as it runs, in characters: a client may have very many of them. */
const LONGEST = 16 * 1024;

/** Whose subscriptions they are. */
export interface SubscriptionsHost {
	readonly services: PublicationServices & { readonly publications: Publications };
	readonly connection: Connection | null;
	readonly transport: Transport;
	readonly options: {
		/** Most at a time. */
		readonly maxSubscriptions: number;
	};
}

export class Subscriptions implements SubscriptionHost {
	readonly box: MergeBox;
	/** Those the client has asked for, by id; made when the first one is. */
	#named: Map<string, Subscription> | undefined;
	#universal: Few<Subscription>;
	/** While the user changes: subscriptions that became ready. */
	#readyAnew: string[] | undefined;
	/**
	 * While the user changes: the last change, which the next one waits for. A method may end, by its time limit, before
	 * its change has.
	 */
	#change: Promise<void> | undefined;
	#closed = false;

	constructor(private readonly host: SubscriptionsHost) {
		this.box = new MergeBox(host.transport, host.services.publications.strategyOf);
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
	 * @param client who subscribes, at any moment
	 * @param unblock lets the connection's next message start
	 * @returns resolves when the next message may start anyhow; undefined: at once
	 */
	start(request: Sub, client: Client, unblock: () => void): Promise<void> | undefined {
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
		{ id, params = [] }: Sub,
		{ userId }: Client,
		unblock: () => void,
	): Promise<void> | undefined {
		// The client may have gone while it was counted.
		if (this.#closed) return undefined;
		this.#named ??= new Map();
		if (this.#named.size >= this.host.options.maxSubscriptions) {
			this.transport.send(codec.nosub(id, refusal('tooManySubscriptions')));
			return undefined;
		}
		if (id.length + JSON.stringify(params).length > LONGEST) {
			this.transport.send(codec.nosub(id, refusal('subscriptionTooLarge')));
			return undefined;
		}
		const subscription = new Subscription(id, publication, params, userId, this);
		this.#named.set(id, subscription);
		return subscription.run(unblock);
	}

	/** Ends a subscription; the client hears so, also of one that is not there. */
	stop(id: string): void {
		const subscription = this.#named?.get(id);
		if (subscription) subscription.stop();
		else this.transport.send(codec.nosub(id));
	}

	/** Starts the universal publications. */
	async startUniversal(userId: string | null): Promise<void> {
		const subscriptions = this.host.services.publications.universal.map(
			(publication) => new Subscription(null, publication, NONE, userId, this),
		);
		this.#universal = fewOf(subscriptions);
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
		if (this.#closed) return;
		const before = [...(this.#named?.values() ?? [])];
		for (const subscription of [...before, ...membersOf(this.#universal)]) subscription.deactivate();
		this.box.beginAnew();
		this.#readyAnew = [];
		const anew = before.map(({ id, publication, params }) => new Subscription(id, publication, params, userId, this));
		for (const subscription of anew) this.#named?.set(subscription.id as string, subscription);
		await Promise.all([...anew.map((subscription) => subscription.run(nothing)), this.startUniversal(userId)]);
		this.box.showDifference();
		const readyAnew = this.#readyAnew;
		this.#readyAnew = undefined;
		if (readyAnew.length > 0) this.transport.send(codec.ready(readyAnew));
	}

	/** The client has gone. */
	closed(): void {
		this.#closed = true;
		const all = [...(this.#named?.values() ?? []), ...membersOf(this.#universal)];
		this.#named = undefined;
		this.#universal = undefined;
		for (const subscription of all) subscription.deactivate();
	}

	ready(id: string): void {
		if (this.#readyAnew) this.#readyAnew.push(id);
		else this.transport.send(codec.ready([id]));
	}

	ended(subscription: Subscription, error: ClientError | undefined): void {
		const { id } = subscription;
		if (id === null) this.#universal = withoutMember(this.#universal, subscription);
		else {
			this.#named?.delete(id);
			this.#readyAnew = this.#readyAnew?.filter((other) => other !== id);
		}
		if (id !== null || error) this.transport.send(codec.nosub(id, error));
	}
}
