/**
 * What one client has been shown (`contract/ddp.md` section 11). Several subscriptions may show the same document; the
 * first that gave a field its value has precedence, and the client is told of a change only where it sees one.
 */
import { isSame } from '../../shared/ejson.js';
import * as codec from './codec.js';

/** How much is remembered of what a client was shown, by collection. */
export type Strategy = 'SERVER_MERGE' | 'NO_MERGE_MULTI' | 'NO_MERGE' | 'NO_MERGE_NO_HISTORY';

/** Stands for a subscription: only its identity counts. */
export type Holder = object;

interface Claim {
	readonly holder: Holder;
	value: unknown;
}

interface DocumentView {
	readonly id: unknown;
	/** Each once. Few documents have more than one: an array takes a fraction of a Set. */
	readonly holders: Holder[];
	/** For each field what every holder says of it; the first is what the client has. Empty unless SERVER_MERGE. */
	readonly fields: Map<string, Claim[]>;
}

interface CollectionView {
	readonly strategy: Strategy;
	readonly documents: Map<string, DocumentView>;
}

type Views = Map<string, CollectionView>;
type Fields = Record<string, unknown>;

export class MergeBox {
	#views: Views = new Map();
	/** What the client has while it is decided anew what it should have (section 12). */
	#shown: Views | undefined;

	constructor(
		private readonly send: (frame: string) => void,
		private readonly strategyOf: (collection: string) => Strategy,
	) {}

	/** Shows a document on behalf of a holder. */
	added(holder: Holder, collection: string, id: unknown, fields: Fields): void {
		const { strategy, documents } = this.#view(collection);
		if (strategy === 'NO_MERGE' || strategy === 'NO_MERGE_NO_HISTORY') {
			this.send(codec.added(collection, id, fields));
			return;
		}
		const key = codec.wireId(id);
		let view = documents.get(key);
		const isNew = view === undefined;
		if (!view) {
			view = { id, holders: [holder], fields: new Map() };
			documents.set(key, view);
		} else if (!view.holders.includes(holder)) {
			view.holders.push(holder);
		}
		const visible = strategy === 'SERVER_MERGE' ? this.#claimAll(view, holder, fields, isNew) : fields;
		if (isNew && !this.#hadBefore(strategy, collection, key))
			this.#tell(strategy, codec.added(collection, id, visible));
		else if (Object.keys(visible).length > 0) this.#tell(strategy, codec.changed(collection, id, visible));
	}

	/** Shows other values. @throws Error where the holder does not show the document */
	changed(holder: Holder, collection: string, id: unknown, fields: Fields): void {
		const { strategy, documents } = this.#view(collection);
		if (strategy === 'NO_MERGE' || strategy === 'NO_MERGE_NO_HISTORY') {
			this.send(codec.changed(collection, id, fields));
			return;
		}
		const view = documents.get(codec.wireId(id));
		// Who does not hold it would leave values behind that nothing ever takes away.
		if (!view?.holders.includes(holder))
			throw new Error(`Could not find element with id ${codec.wireId(id)} to change`);
		const visible = strategy === 'SERVER_MERGE' ? this.#claimAll(view, holder, fields) : fields;
		if (Object.keys(visible).length > 0) this.#tell(strategy, codec.changed(collection, id, visible));
	}

	/** Takes a document away, unless another holder shows it too. @throws Error where the holder does not show it */
	removed(holder: Holder, collection: string, id: unknown): void {
		const { strategy, documents } = this.#view(collection);
		if (strategy === 'NO_MERGE' || strategy === 'NO_MERGE_NO_HISTORY') {
			this.send(codec.removed(collection, id));
			return;
		}
		const key = codec.wireId(id);
		const view = documents.get(key);
		const place = view?.holders.indexOf(holder) ?? -1;
		if (!view || place === -1) throw new Error(`Removed nonexistent document ${key}`);
		view.holders.splice(place, 1);
		if (view.holders.length === 0) {
			documents.delete(key);
			if (documents.size === 0) this.#views.delete(collection);
			if (!this.#hadBefore(strategy, collection, key)) this.#tell(strategy, codec.removed(collection, id));
			return;
		}
		const visible: Fields = {};
		for (const name of view.fields.keys()) release(view, holder, name, visible);
		if (Object.keys(visible).length > 0) this.#tell(strategy, codec.changed(collection, id, visible));
	}

	/** Whether stopping a subscription takes away what it has shown; if not, nobody need remember what that was. */
	removesOnStop(collection: string): boolean {
		return this.strategyOf(collection) !== 'NO_MERGE_NO_HISTORY';
	}

	/** Puts aside what the client has; until `showDifference` nothing of what is shown anew is sent. */
	beginAnew(): void {
		this.#shown = this.#views;
		this.#views = new Map();
	}

	/** Sends what differs from what the client has. */
	showDifference(): void {
		const before: Views = this.#shown ?? new Map();
		this.#shown = undefined;
		for (const collection of new Set([...before.keys(), ...this.#views.keys()])) {
			const old = before.get(collection)?.documents ?? new Map<string, DocumentView>();
			const now = this.#views.get(collection);
			for (const [key, { id, fields }] of old) {
				const view = now?.documents.get(key);
				if (!view) this.send(codec.removed(collection, id));
				else this.#sendDifference(collection, id, fields, view.fields);
			}
			// What is not merged was sent at once.
			if (now?.strategy !== 'SERVER_MERGE') continue;
			for (const [key, { id, fields }] of now.documents) {
				if (!old.has(key)) this.send(codec.added(collection, id, valuesOf(fields)));
			}
		}
	}

	#sendDifference(collection: string, id: unknown, old: DocumentView['fields'], now: DocumentView['fields']): void {
		const changes: Fields = {};
		for (const name of old.keys()) if (!now.has(name)) changes[name] = undefined;
		for (const [name, [claim]] of now) {
			const [before] = old.get(name) ?? [];
			if (!before || !isSame(before.value, claim?.value)) changes[name] = claim?.value;
		}
		if (Object.keys(changes).length > 0) this.send(codec.changed(collection, id, changes));
	}

	/** What is merged is not sent while it is decided anew: only the difference will be. */
	#tell(strategy: Strategy, frame: string): void {
		if (!this.#shown || strategy !== 'SERVER_MERGE') this.send(frame);
	}

	/** Whether the client still has a document of which no values are kept, so that no difference can be told later. */
	#hadBefore(strategy: Strategy, collection: string, key: string): boolean {
		return strategy === 'NO_MERGE_MULTI' && this.#shown?.get(collection)?.documents.has(key) === true;
	}

	/** Notes what a holder says of fields; returns what of it the client sees. */
	#claimAll(view: DocumentView, holder: Holder, fields: Fields, isNew = false): Fields {
		const visible: Fields = {};
		for (const [name, value] of Object.entries(fields)) {
			if (name === '_id') continue;
			if (value !== undefined) claim(view, holder, name, value, visible);
			// In `added` it goes out as cleared, though there is nothing to clear.
			else if (isNew) visible[name] = undefined;
			else release(view, holder, name, visible);
		}
		return visible;
	}

	#view(collection: string): CollectionView {
		let view = this.#views.get(collection);
		if (!view) {
			view = { strategy: this.strategyOf(collection), documents: new Map() };
			this.#views.set(collection, view);
		}
		return view;
	}
}

function valuesOf(fields: DocumentView['fields']): Fields {
	return Object.fromEntries([...fields].map(([name, [first]]) => [name, first?.value]));
}

function claim({ fields }: DocumentView, holder: Holder, name: string, value: unknown, visible: Fields): void {
	const claims = fields.get(name);
	if (!claims) {
		fields.set(name, [{ holder, value }]);
		visible[name] = value;
		return;
	}
	const own = claims.find((entry) => entry.holder === holder);
	if (!own) {
		claims.push({ holder, value });
	} else {
		if (own === claims[0] && !isSame(own.value, value)) visible[name] = value;
		own.value = value;
	}
}

function release({ fields }: DocumentView, holder: Holder, name: string, visible: Fields): void {
	const claims = fields.get(name);
	const index = claims?.findIndex((entry) => entry.holder === holder) ?? -1;
	if (!claims || index === -1) return;
	const [own] = claims.splice(index, 1);
	const [next] = claims;
	if (!next) {
		fields.delete(name);
		visible[name] = undefined;
	} else if (index === 0 && !isSame(next.value, own?.value)) {
		visible[name] = next.value;
	}
}
