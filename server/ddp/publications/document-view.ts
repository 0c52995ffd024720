/** One document as a client has it, and the subscriptions that show it (`test/contract/ddp.md` section 11). */
import { isSame } from '../../../shared/ejson.js';
import type { Fields } from '../codec.js';

/** Stands for a subscription: only its identity counts. */
export type SubscriptionHandle = object;

interface Claim {
	readonly holder: SubscriptionHandle;
	value: unknown;
}

/** What is known of a document that several show. */
interface Shared {
	/** Each once, in the order in which they came. */
	readonly holders: SubscriptionHandle[];
	/** For each field what every holder says of it, in the order in which they did; the first is what the client has. */
	readonly claims: Map<string, Claim[]>;
}

/** What a client sees of a change. */
type Visible = Record<string, unknown>;

/**
 * Most documents are shown by one holder alone. Then its fields are what the client has, and are kept as they came. The
 * value of each holder is recorded field by field only while there are several holders.
 */
export class DocumentView {
	/** The holder, while there is only one. */
	#holder: SubscriptionHandle;
	/** What that holder says. */
	#fields: Fields;
	#shared: Shared | undefined;

	/** @param fields shown by the first holder; kept as they are, so they must not be changed */
	constructor(
		readonly id: unknown,
		holder: SubscriptionHandle,
		fields: Fields,
	) {
		this.#holder = holder;
		this.#fields = definedOf(fields);
	}

	/** What the client has. */
	get fields(): Fields {
		return this.#shared ? valuesOf(this.#shared) : this.#fields;
	}

	isHeldBy(holder: SubscriptionHandle): boolean {
		return this.#shared ? this.#shared.holders.includes(holder) : this.#holder === holder;
	}

	/**
	 * Notes what a holder, perhaps a new one, says of fields; undefined: that it says nothing any more.
	 * @returns what of it the client sees; the very fields, where that is all
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
	 * A holder lets go of it.
	 * @returns what the client sees of that; undefined if no holder is left
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

	/** The one holder says something else. */
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

/** Fields that have a value and are not the id; the same object, where those are all. */
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
