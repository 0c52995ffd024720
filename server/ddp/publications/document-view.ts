/** The state of one document on a client, and the subscriptions that publish it (`test/contract/ddp.md` section 11). */
import { isSame } from '../../../shared/ejson.js';
import type { Fields } from '../codec.js';

/** Identifies a subscription: only its object identity matters. */
export type SubscriptionHandle = object;

interface Claim {
	readonly holder: SubscriptionHandle;
	value: unknown;
}

/** The state of a document that several subscriptions publish. */
interface Shared {
	/** Each holder once, in the order of addition. */
	readonly holders: SubscriptionHandle[];
	/** For each field the value of every holder, in the order in which they set it; the client has the first one. */
	readonly claims: Map<string, Claim[]>;
}

/** The part of a change that the client receives. */
type Visible = Record<string, unknown>;

/**
 * Most documents have one holder. Then the client has that holder's fields, which are stored unchanged. Values are
 * recorded by field and holder only while there are several holders.
 */
export class DocumentView {
	/** The holder, while there is only one. */
	#holder: SubscriptionHandle;
	/** The fields of that holder. */
	#fields: Fields;
	#shared: Shared | undefined;

	/** @param fields published by the first holder; not copied, so they must not be changed */
	constructor(
		readonly id: unknown,
		holder: SubscriptionHandle,
		fields: Fields,
	) {
		this.#holder = holder;
		this.#fields = definedOf(fields);
	}

	/** The fields that the client has. */
	get fields(): Fields {
		return this.#shared ? valuesOf(this.#shared) : this.#fields;
	}

	isHeldBy(holder: SubscriptionHandle): boolean {
		return this.#shared ? this.#shared.holders.includes(holder) : this.#holder === holder;
	}

	/**
	 * Records the field values of a holder, which may be new; undefined removes the holder's value.
	 * @returns the changes for the client; the same object as the given fields if all of them change
	 */
	claim(holder: SubscriptionHandle, fields: Fields): Visible {
		if (!this.#shared && this.#holder === holder) return this.change(fields);
		this.#shared ??= this.share();
		const { holders, claims } = this.#shared;
		if (!holders.includes(holder)) holders.push(holder);
		const visible: Visible = {};
		for (const [name, value] of Object.entries(fields)) {
			if (name === '_id') continue;
			if (value !== undefined) claim(claims, holder, name, value, visible);
			else release(claims, holder, name, visible);
		}
		return visible;
	}

	/**
	 * Replaces the fields of a document that has one holder, without a comparison, if they are still this object. Live
	 * queries share one object among all clients.
	 * @returns whether they were replaced
	 */
	replace(holder: SubscriptionHandle, before: Fields, after: Fields): boolean {
		if (this.#shared || this.#holder !== holder || this.#fields !== before) return false;
		this.#fields = after;
		return true;
	}

	/**
	 * Removes a holder.
	 * @returns the changes for the client; undefined if no holder is left
	 */
	release(holder: SubscriptionHandle): Visible | undefined {
		if (!this.#shared) return undefined;
		const { holders, claims } = this.#shared;
		holders.splice(holders.indexOf(holder), 1);
		const visible: Visible = {};
		for (const name of claims.keys()) release(claims, holder, name, visible);
		const [last, another] = holders;
		if (last && !another) {
			this.#holder = last;
			this.#fields = valuesOf(this.#shared);
			this.#shared = undefined;
		}
		return visible;
	}

	/** The only holder changes its values. */
	private change(fields: Fields): Visible {
		const visible: Visible = {};
		for (const [name, value] of Object.entries(fields)) {
			if (name === '_id') continue;
			const isThere = Object.hasOwn(this.#fields, name);
			if (value === undefined ? isThere : !isThere || !isSame(this.#fields[name], value)) visible[name] = value;
		}
		const count = Object.keys(visible).length;
		if (count > 0) this.#fields = definedOf({ ...this.#fields, ...visible });
		return count === Object.keys(fields).length ? fields : visible;
	}

	private share(): Shared {
		const holder = this.#holder;
		return {
			holders: [holder],
			claims: new Map(Object.entries(this.#fields).map(([name, value]) => [name, [{ holder, value }]])),
		};
	}
}

/** The fields that have a value, without the id; the same object if no field is removed. */
function definedOf(fields: Fields): Fields {
	const entries = Object.entries(fields);
	const defined = entries.filter(([name, value]) => value !== undefined && name !== '_id');
	return defined.length === entries.length ? fields : Object.fromEntries(defined);
}

function valuesOf({ claims }: Shared): Fields {
	return Object.fromEntries([...claims].map(([name, [first]]) => [name, first?.value]));
}

function claim(
	all: Shared['claims'],
	holder: SubscriptionHandle,
	name: string,
	value: unknown,
	visible: Visible,
): void {
	const claims = all.get(name);
	if (!claims) {
		all.set(name, [{ holder, value }]);
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

function release(all: Shared['claims'], holder: SubscriptionHandle, name: string, visible: Visible): void {
	const claims = all.get(name);
	const index = claims?.findIndex((entry) => entry.holder === holder) ?? -1;
	if (!claims || index === -1) return;
	const [own] = claims.splice(index, 1);
	const [next] = claims;
	if (!next) {
		all.delete(name);
		visible[name] = undefined;
	} else if (index === 0 && !isSame(next.value, own?.value)) {
		visible[name] = next.value;
	}
}
