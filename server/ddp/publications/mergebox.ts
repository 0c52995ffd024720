/**
 * The documents of one client (`test/contract/ddp.md` section 11). A document may have several holders: the
 * subscriptions that publish it. The client receives the value of each field from the holder that set it first.
 */

import type { Strategy } from '../../../shared/publication.js';
import * as codec from '../codec.js';
import { Broadcast } from '../transports/broadcast.js';
import { differenceOf } from './difference.js';
import { DocumentMap } from './document-map.js';
import { DocumentView, type SubscriptionHandle } from './document-view.js';
import type { Flow } from './flow.js';

export type { Strategy };

/** The strategies that record which documents the client has. Only `SERVER_MERGE` records their fields. */
type TrackingStrategy = 'SERVER_MERGE' | 'NO_MERGE_MULTI';

/** The documents of the client, by collection and encoded id. */
type Views = DocumentMap<DocumentView>;
type Fields = Record<string, unknown>;

/** Recorded instead of the fields of a `NO_MERGE_MULTI` document. */
const NO_FIELDS: Fields = {};

/** A rerun of all subscriptions, because the user has changed (`test/contract/ddp.md` section 12). */
interface Rerun {
	/** Documents that the client had before the rerun, and whose difference was not sent yet. */
	readonly before: Views;
	/**
	 * Keys of documents whose difference is still to be sent, by collection. Undefined means all documents, because the
	 * publish functions are still running.
	 */
	readonly unsent: Map<string, Set<string>> | undefined;
}

function tracksDocuments(strategy: Strategy): strategy is TrackingStrategy {
	return strategy === 'SERVER_MERGE' || strategy === 'NO_MERGE_MULTI';
}

/** The client, which receives the messages. */
export interface Client {
	send(frame: string): void;
	/** Sends a message that is encoded once for many clients. */
	broadcast?(message: Broadcast): void;
}

type DocumentMessage = 'added' | 'changed';

/**
 * The last encoded message. A live query publishes one fields object to many clients, so the next client often needs
 * the same message.
 */
let lastEncoded:
	| { kind: DocumentMessage; collection: string; id: unknown; fields: Fields; message: Broadcast }
	| undefined;

export class MergeBox {
	#views: Views = new DocumentMap();
	#rerun: Rerun | undefined;

	constructor(
		private readonly client: Client,
		private readonly strategyOf: (collection: string) => Strategy,
	) {}

	/** Adds a document, or another holder of it. @param fields not copied, so they must not be changed */
	added(holder: SubscriptionHandle, collection: string, id: unknown, fields: Fields): void {
		const strategy = this.strategyOf(collection);
		if (!tracksDocuments(strategy)) {
			this.client.send(codec.added(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		if (view) {
			this.sendChange(strategy, collection, id, this.recordValues(strategy, view, holder, fields));
			return;
		}
		const recorded = strategy === 'SERVER_MERGE' ? fields : NO_FIELDS;
		this.#views.set(collection, key, new DocumentView(id, holder, recorded));
		if (this.isLeftFromBefore(strategy, collection, key)) {
			this.sendChange(strategy, collection, id, fields);
		} else if (!this.isDeferred(strategy, collection, key)) {
			// As in Meteor, undefined fields are sent as `cleared`.
			this.sendFields('added', collection, id, strategy === 'SERVER_MERGE' ? withoutId(fields) : fields);
		}
	}

	/**
	 * Changes fields of a document.
	 * @param fields the new values; undefined removes a field
	 * @param before the object that the holder published last, if known
	 * @param after the object that replaces `before`
	 * @throws Error if the holder has not added the document
	 */
	changed(
		holder: SubscriptionHandle,
		collection: string,
		id: unknown,
		fields: Fields,
		before?: Fields,
		after?: Fields,
	): void {
		const strategy = this.strategyOf(collection);
		if (!tracksDocuments(strategy)) {
			this.client.send(codec.changed(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		if (!view?.isHeldBy(holder)) throw new Error(`Could not find element with id ${key} to change`);
		const isReplaced = before !== undefined && after !== undefined && view.replace(holder, before, after);
		const visible = isReplaced ? fields : this.recordValues(strategy, view, holder, fields);
		this.sendChange(strategy, collection, id, visible);
	}

	/**
	 * Removes a holder from a document, or the document with its last holder.
	 * @throws Error if the holder has not added the document
	 */
	removed(holder: SubscriptionHandle, collection: string, id: unknown): void {
		if (!this.release(holder, collection, id)) throw new Error(`Removed nonexistent document ${codec.wireId(id)}`);
	}

	/**
	 * Like `removed`, but without the error.
	 * @returns whether the holder had added the document; always true if the strategy does not record holders
	 */
	release(holder: SubscriptionHandle, collection: string, id: unknown): boolean {
		const strategy = this.strategyOf(collection);
		if (!tracksDocuments(strategy)) {
			this.client.send(codec.removed(collection, id));
			return true;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		if (!view?.isHeldBy(holder)) return false;
		const visible = view.release(holder);
		if (visible) {
			this.sendChange(strategy, collection, id, visible);
			return true;
		}
		this.#views.delete(collection, key);
		// `sendDiff` sends `removed` if the client had the document before the rerun.
		const isSentLater = this.isLeftFromBefore(strategy, collection, key) || this.isDeferred(strategy, collection, key);
		if (!isSentLater) this.client.send(codec.removed(collection, id));
		return true;
	}

	/** Whether documents are removed when their subscription stops. */
	removesOnStop(collection: string): boolean {
		return this.strategyOf(collection) !== 'NO_MERGE_NO_HISTORY';
	}

	/**
	 * Begins a rerun, with an empty record of documents. Until `sendDiff`, changes of `SERVER_MERGE` documents are
	 * recorded, but not sent.
	 */
	beginRerun(): void {
		this.#rerun = { before: this.#views, unsent: undefined };
		this.#views = new DocumentMap();
	}

	/**
	 * Ends a rerun: sends the differences of the documents, one at a time. A document may change meanwhile. If its
	 * difference was sent already, the change is sent at once; otherwise the change becomes part of the difference.
	 * @param flow called after each document
	 */
	async sendDiff(flow: Flow): Promise<void> {
		const before: Views = this.#rerun?.before ?? new DocumentMap();
		const unsent = new Map<string, Set<string>>();
		for (const collection of [...before.collections(), ...this.#views.collections()]) {
			if (!unsent.has(collection)) unsent.set(collection, keysOf(collection, [before, this.#views]));
		}
		this.#rerun = { before, unsent };
		for (const [collection, keys] of unsent) {
			for (const key of keys) {
				const old = before.get(collection, key);
				before.delete(collection, key);
				keys.delete(key);
				this.sendDiffOf(collection, old, this.#views.get(collection, key));
				const wait = flow();
				if (wait) await wait;
			}
		}
		this.#rerun = undefined;
	}

	private sendDiffOf(collection: string, before: DocumentView | undefined, after: DocumentView | undefined): void {
		if (!before) {
			// A `NO_MERGE_MULTI` document was sent when it was added.
			const isNew = after && this.strategyOf(collection) === 'SERVER_MERGE';
			if (isNew) this.client.send(codec.added(collection, after.id, after.fields));
		} else if (!after) {
			this.client.send(codec.removed(collection, before.id));
		} else {
			// The difference of a `NO_MERGE_MULTI` document is empty.
			this.sendChange('SERVER_MERGE', collection, after.id, differenceOf(before.fields, after.fields));
		}
	}

	/** Whether changes of a document wait for `sendDiff`. */
	private isDeferred(strategy: TrackingStrategy, collection: string, key: string): boolean {
		if (!this.#rerun || strategy !== 'SERVER_MERGE') return false;
		const { unsent } = this.#rerun;
		return unsent === undefined || unsent.get(collection)?.has(key) === true;
	}

	/** Sends `added` or `changed`. Reuses the last encoded message if it was made from the same fields object. */
	private sendFields(kind: DocumentMessage, collection: string, id: unknown, fields: Fields): void {
		if (
			lastEncoded?.fields === fields &&
			lastEncoded.kind === kind &&
			lastEncoded.id === id &&
			lastEncoded.collection === collection
		) {
			if (this.client.broadcast) this.client.broadcast(lastEncoded.message);
			else this.client.send(lastEncoded.message.text);
			return;
		}
		const encode = kind === 'added' ? codec.added : codec.changed;
		const text = encode(collection, id, fields);
		lastEncoded = { kind, collection, id, fields, message: new Broadcast(text) };
		this.client.send(text);
	}

	private sendChange(strategy: TrackingStrategy, collection: string, id: unknown, visible: Fields): void {
		if (Object.keys(visible).length === 0 || this.isDeferred(strategy, collection, codec.wireId(id))) return;
		this.sendFields('changed', collection, id, visible);
	}

	/**
	 * Whether the client has this document, without recorded fields, from before the rerun. Then `sendDiff` cannot
	 * compute its difference, so its fields are sent at once.
	 */
	private isLeftFromBefore(strategy: TrackingStrategy, collection: string, key: string): boolean {
		return strategy === 'NO_MERGE_MULTI' && this.#rerun?.before.get(collection, key) !== undefined;
	}

	/** Records the values that a holder publishes. @returns the changes to send */
	private recordValues(
		strategy: TrackingStrategy,
		view: DocumentView,
		holder: SubscriptionHandle,
		fields: Fields,
	): Fields {
		if (strategy === 'SERVER_MERGE') return view.recordValues(holder, fields);
		view.recordValues(holder, NO_FIELDS);
		return fields;
	}
}

/** Returns the same object if it has no `_id`, so that its encoded message can be reused. */
function withoutId(fields: Fields): Fields {
	if (fields._id === undefined) return fields;
	const { _id, ...others } = fields;
	return others;
}

function keysOf(collection: string, maps: readonly Views[]): Set<string> {
	const keys = new Set<string>();
	for (const views of maps) {
		for (const [key] of views.entriesOf(collection)) keys.add(key);
	}
	return keys;
}
