/**
 * What one client has been shown (`test/contract/ddp.md` section 11). Several subscriptions may show the same document; the
 * first that gave a field its value has precedence, and the client is told of a change only where it sees one.
 */
import { isSame } from '../../../shared/ejson.js';
import * as codec from '../codec.js';
import { Broadcast } from './broadcast.js';
import { DocumentMap } from './document-map.js';
import { DocumentView, type SubscriptionHandle } from './document-view.js';

/** How much is remembered of what a client was shown, by collection. */
export type Strategy = 'SERVER_MERGE' | 'NO_MERGE_MULTI' | 'NO_MERGE' | 'NO_MERGE_NO_HISTORY';

/** Those of which it is remembered which documents the client has. */
type Remembering = 'SERVER_MERGE' | 'NO_MERGE_MULTI';

type Views = DocumentMap<DocumentView>;
type Fields = Record<string, unknown>;

/** What is kept of a document where values are not merged. */
const NO_FIELDS: Fields = {};

function remembers(strategy: Strategy): strategy is Remembering {
	return strategy === 'SERVER_MERGE' || strategy === 'NO_MERGE_MULTI';
}

/** Where frames go. What many clients get alike may go as a broadcast. */
export interface Client {
	send(frame: string): void;
	broadcast?(message: Broadcast): void;
}

type DocumentMessage = 'added' | 'changed';

/** The last message that was made of fields that several clients share: they get it one after the other. */
let last: { kind: DocumentMessage; collection: string; id: unknown; fields: Fields; message: Broadcast } | undefined;

export class MergeBox {
	#views: Views = new DocumentMap();
	/** What the client has while it is decided anew what it should have (section 12). */
	#shown: Views | undefined;

	constructor(
		private readonly client: Client,
		private readonly strategyOf: (collection: string) => Strategy,
	) {}

	/** Shows a document on behalf of a holder. @param fields kept as they are, so nobody must change them */
	added(holder: SubscriptionHandle, collection: string, id: unknown, fields: Fields): void {
		const strategy = this.strategyOf(collection);
		if (!remembers(strategy)) {
			this.client.send(codec.added(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		if (view) {
			this.tellChange(strategy, collection, id, this.claim(strategy, view, holder, fields));
			return;
		}
		const kept = strategy === 'SERVER_MERGE' ? fields : NO_FIELDS;
		this.#views.set(collection, key, new DocumentView(id, holder, kept));
		if (this.hadBefore(strategy, collection, key)) {
			this.tellChange(strategy, collection, id, fields);
		} else {
			// A field that is undefined goes out as cleared, though there is nothing to clear.
			const { _id, ...others } = fields;
			const shown = strategy === 'SERVER_MERGE' && _id !== undefined ? others : fields;
			this.sendFields(strategy, 'added', collection, id, shown);
		}
	}

	/** Shows other values. @throws Error where the holder does not show the document */
	changed(holder: SubscriptionHandle, collection: string, id: unknown, fields: Fields): void {
		const strategy = this.strategyOf(collection);
		if (!remembers(strategy)) {
			this.client.send(codec.changed(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		// Who does not hold it would leave values behind that nothing ever takes away.
		if (!view?.isHeldBy(holder)) throw new Error(`Could not find element with id ${key} to change`);
		this.tellChange(strategy, collection, id, this.claim(strategy, view, holder, fields));
	}

	/** Takes a document away, unless another holder shows it too. @throws Error where the holder does not show it */
	removed(holder: SubscriptionHandle, collection: string, id: unknown): void {
		const strategy = this.strategyOf(collection);
		if (!remembers(strategy)) {
			this.client.send(codec.removed(collection, id));
			return;
		}
		const key = codec.wireId(id);
		const view = this.#views.get(collection, key);
		if (!view?.isHeldBy(holder)) throw new Error(`Removed nonexistent document ${key}`);
		const visible = view.release(holder);
		if (visible) {
			this.tellChange(strategy, collection, id, visible);
			return;
		}
		this.#views.delete(collection, key);
		if (!this.hadBefore(strategy, collection, key)) this.send(strategy, codec.removed(collection, id));
	}

	/** Whether stopping a subscription takes away what it has shown; if not, nobody need remember what that was. */
	removesOnStop(collection: string): boolean {
		return this.strategyOf(collection) !== 'NO_MERGE_NO_HISTORY';
	}

	/** Puts aside what the client has; until `showDifference` nothing of what is shown anew is sent. */
	beginRerun(): void {
		this.#shown = this.#views;
		this.#views = new DocumentMap();
	}

	/** Sends what differs from what the client has. */
	sendDiff(): void {
		const before: Views = this.#shown ?? new DocumentMap();
		this.#shown = undefined;
		for (const collection of new Set([...before.collections(), ...this.#views.collections()])) {
			for (const [key, { id, fields }] of before.of(collection)) {
				const view = this.#views.get(collection, key);
				if (!view) this.client.send(codec.removed(collection, id));
				else this.tellChange('SERVER_MERGE', collection, id, differenceOf(fields, view.fields));
			}
			// What is not merged was sent at once.
			if (this.strategyOf(collection) !== 'SERVER_MERGE') continue;
			for (const [key, { id, fields }] of this.#views.of(collection)) {
				if (!before.get(collection, key)) this.client.send(codec.added(collection, id, fields));
			}
		}
	}

	/** What is merged is not sent while it is decided anew: only the difference will be. */
	private send(strategy: Remembering, frame: string): void {
		if (!this.#shown || strategy !== 'SERVER_MERGE') this.client.send(frame);
	}

	/** Sends a document's fields; where the last client got the very same object, what was encoded for that one. */
	private sendFields(strategy: Remembering, kind: DocumentMessage, collection: string, id: unknown, fields: Fields) {
		if (this.#shown && strategy === 'SERVER_MERGE') return;
		if (last?.fields === fields && last.kind === kind && last.id === id && last.collection === collection) {
			if (this.client.broadcast) this.client.broadcast(last.message);
			else this.client.send(last.message.text);
			return;
		}
		const text = codec[kind](collection, id, fields);
		last = { kind, collection, id, fields, message: new Broadcast(text) };
		this.client.send(text);
	}

	private tellChange(strategy: Remembering, collection: string, id: unknown, visible: Fields): void {
		if (Object.keys(visible).length > 0) this.sendFields(strategy, 'changed', collection, id, visible);
	}

	/** Whether the client still has a document of which no values are kept, so that no difference can be told later. */
	private hadBefore(strategy: Remembering, collection: string, key: string): boolean {
		return strategy === 'NO_MERGE_MULTI' && this.#shown?.get(collection, key) !== undefined;
	}

	/** Notes what a holder says of a document that is there; returns what of it the client is told. */
	private claim(strategy: Remembering, view: DocumentView, holder: SubscriptionHandle, fields: Fields): Fields {
		if (strategy === 'SERVER_MERGE') return view.claim(holder, fields);
		view.claim(holder, NO_FIELDS);
		return fields;
	}
}

/** What must be told to whoever has some fields and should have others. */
function differenceOf(old: codec.Fields, now: codec.Fields): Fields {
	const changes: Fields = {};
	for (const name of Object.keys(old)) if (!Object.hasOwn(now, name)) changes[name] = undefined;
	for (const [name, value] of Object.entries(now)) {
		if (!Object.hasOwn(old, name) || !isSame(old[name], value)) changes[name] = value;
	}
	return changes;
}
