/**
 * The documents that one client has (`test/contract/ddp.md` section 11). Several subscriptions may publish the same
 * document; the first that gave a field its value has precedence, and the client receives only changes that it can see.
 */
import { isSame } from '../../../shared/ejson.js';
import type { Strategy } from '../../../shared/publication.js';
import * as codec from '../codec.js';
import { Broadcast } from '../transports/broadcast.js';
import { DocumentMap } from './document-map.js';
import { DocumentView, type SubscriptionHandle } from './document-view.js';
import type { Flow } from './flow.js';

export type { Strategy };

/** Collections for which the client's document ids are remembered. */
type Remembering = 'SERVER_MERGE' | 'NO_MERGE_MULTI';

type Views = DocumentMap<DocumentView>;
type Fields = Record<string, unknown>;

/** The state of a document in a collection whose values are not merged. */
const NO_FIELDS: Fields = {};

/** Set while all subscriptions are run again (section 12). */
interface Rerun {
	/** The client's former documents whose difference has not been sent. */
	readonly before: Views;
	/**
	 * Documents whose difference is still to be sent, by collection. Undefined: all, because the rerun has not finished.
	 */
	readonly pending: Map<string, Set<string>> | undefined;
}

function remembers(strategy: Strategy): strategy is Remembering {
	return strategy === 'SERVER_MERGE' || strategy === 'NO_MERGE_MULTI';
}

/** Sends frames. A frame that is the same for many clients may be sent as a broadcast. */
export interface Client {
	send(frame: string): void;
	broadcast?(message: Broadcast): void;
}

type DocumentMessage = 'added' | 'changed';

/** The last message encoded from a shared fields object: clients that share it receive it one after the other. */
let last: { kind: DocumentMessage; collection: string; id: unknown; fields: Fields; message: Broadcast } | undefined;

export class MergeBox {
	#views: Views = new DocumentMap();
	#rerun: Rerun | undefined;

	constructor(
		private readonly client: Client,
		private readonly strategyOf: (collection: string) => Strategy,
	) {}

	/** Adds a document for a holder. @param fields not copied, so they must not be changed */
	added(holder: SubscriptionHandle, collection: string, id: unknown, fields: Fields): void {
		const strategy = this.strategyOf(collection);
		if (!remembers(strategy)) {
			this.client.send(codec.added(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		if (view) {
			this.sendChange(strategy, collection, id, this.claim(strategy, view, holder, fields));
			return;
		}
		const kept = strategy === 'SERVER_MERGE' ? fields : NO_FIELDS;
		this.#views.set(collection, key, new DocumentView(id, holder, kept));
		if (this.hadBefore(strategy, collection, key)) {
			this.sendChange(strategy, collection, id, fields);
		} else {
			// An undefined field is sent as cleared, although the client does not have it.
			const { _id, ...others } = fields;
			if (this.mustWait(strategy, collection, key)) return;
			const shown = strategy === 'SERVER_MERGE' && _id !== undefined ? others : fields;
			this.sendFields('added', collection, id, shown);
		}
	}

	/**
	 * Changes values.
	 * @param before the object that the holder published last, if it is known, and `after` what takes its place
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
		if (!remembers(strategy)) {
			this.client.send(codec.changed(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		// Otherwise the values of a subscription that has not added the document would never be removed.
		if (!view?.isHeldBy(holder)) throw new Error(`Could not find element with id ${key} to change`);
		const isReplaced = before !== undefined && after !== undefined && view.replace(holder, before, after);
		const visible = isReplaced ? fields : this.claim(strategy, view, holder, fields);
		this.sendChange(strategy, collection, id, visible);
	}

	/** Removes a document, unless another holder has it too. @throws Error if the holder has not added it */
	removed(holder: SubscriptionHandle, collection: string, id: unknown): void {
		if (!this.release(holder, collection, id)) throw new Error(`Removed nonexistent document ${codec.wireId(id)}`);
	}

	/** Removes a document in the same way, without an error. @returns whether the holder had added it */
	release(holder: SubscriptionHandle, collection: string, id: unknown): boolean {
		const strategy = this.strategyOf(collection);
		if (!remembers(strategy)) {
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
		const isSent = !this.hadBefore(strategy, collection, key) && !this.mustWait(strategy, collection, key);
		if (isSent) this.client.send(codec.removed(collection, id));
		return true;
	}

	/** Whether documents are removed when their subscription stops. If not, it need not remember them. */
	removesOnStop(collection: string): boolean {
		return this.strategyOf(collection) !== 'NO_MERGE_NO_HISTORY';
	}

	/** Sets the client's documents aside; until `sendDiff`, additions are recorded and not sent. */
	beginRerun(): void {
		this.#rerun = { before: this.#views, pending: undefined };
		this.#views = new DocumentMap();
	}

	/**
	 * Sends the difference to the client's documents, one document at a time. Meanwhile changes of processed documents
	 * are sent immediately; changes of the others become part of their difference.
	 * @param flow called after each document
	 */
	async sendDiff(flow: Flow): Promise<void> {
		const before: Views = this.#rerun?.before ?? new DocumentMap();
		const pending = new Map<string, Set<string>>();
		for (const collection of [...before.collections(), ...this.#views.collections()]) {
			if (!pending.has(collection)) pending.set(collection, keysOf(collection, before, this.#views));
		}
		this.#rerun = { before, pending };
		for (const [collection, keys] of pending) {
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

	/** Sends the difference of one document. */
	private sendDiffOf(collection: string, old: DocumentView | undefined, now: DocumentView | undefined): void {
		if (!old) {
			// Documents that are not merged have been sent immediately.
			const isNew = now && this.strategyOf(collection) === 'SERVER_MERGE';
			if (isNew) this.client.send(codec.added(collection, now.id, now.fields));
		} else if (!now) {
			this.client.send(codec.removed(collection, old.id));
		} else {
			this.sendChange('SERVER_MERGE', collection, now.id, differenceOf(old.fields, now.fields));
		}
	}

	/** Whether a document's changes are held back, because its difference will be sent. */
	private mustWait(strategy: Remembering, collection: string, key: string): boolean {
		if (!this.#rerun || strategy !== 'SERVER_MERGE') return false;
		const { pending } = this.#rerun;
		return pending === undefined || pending.get(collection)?.has(key) === true;
	}

	/** Sends a document's fields; reuses the last encoded message if it was made from the same object. */
	private sendFields(kind: DocumentMessage, collection: string, id: unknown, fields: Fields): void {
		if (last?.fields === fields && last.kind === kind && last.id === id && last.collection === collection) {
			if (this.client.broadcast) this.client.broadcast(last.message);
			else this.client.send(last.message.text);
			return;
		}
		const encode = kind === 'added' ? codec.added : codec.changed;
		const text = encode(collection, id, fields);
		last = { kind, collection, id, fields, message: new Broadcast(text) };
		this.client.send(text);
	}

	private sendChange(strategy: Remembering, collection: string, id: unknown, visible: Fields): void {
		if (Object.keys(visible).length === 0 || this.mustWait(strategy, collection, codec.wireId(id))) return;
		this.sendFields('changed', collection, id, visible);
	}

	/**
	 * Whether the client still has a document whose values are not stored, so that no difference can be computed later.
	 */
	private hadBefore(strategy: Remembering, collection: string, key: string): boolean {
		return strategy === 'NO_MERGE_MULTI' && this.#rerun?.before.get(collection, key) !== undefined;
	}

	/** Records a holder's values of a present document. @returns the changes to send to the client */
	private claim(strategy: Remembering, view: DocumentView, holder: SubscriptionHandle, fields: Fields): Fields {
		if (strategy === 'SERVER_MERGE') return view.claim(holder, fields);
		view.claim(holder, NO_FIELDS);
		return fields;
	}
}

/** The union of the document ids of a collection in both maps. */
function keysOf(collection: string, ...all: readonly Views[]): Set<string> {
	const keys = new Set<string>();
	for (const views of all) for (const [key] of views.of(collection)) keys.add(key);
	return keys;
}

/** The changes that turn the first document into the second. */
function differenceOf(old: codec.Fields, now: codec.Fields): Fields {
	const changes: Fields = {};
	for (const name of Object.keys(old)) if (!Object.hasOwn(now, name)) changes[name] = undefined;
	for (const [name, value] of Object.entries(now)) {
		if (!Object.hasOwn(old, name) || !isSame(old[name], value)) changes[name] = value;
	}
	return changes;
}
