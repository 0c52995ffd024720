/**
 * The state of one document on a client, and its holders: the subscriptions that publish it (`test/contract/ddp.md`
 * section 11).
 */
import { isSame } from '../../../shared/ejson.js';
import type { Fields } from '../codec.js';

/** Identifies a subscription: only its object identity matters. */
export type SubscriptionHandle = object;

/** The value that a holder publishes for a field. */
interface HolderValue {
	readonly holder: SubscriptionHandle;
	value: unknown;
}

interface MultiHolderState {
	/** In the order of addition; each holder occurs once. */
	readonly holders: SubscriptionHandle[];
	/**
	 * For each field the values of its holders, in the order in which they first set the field. The client has the first.
	 */
	readonly values: Map<string, HolderValue[]>;
}

/** The changes that the client receives; undefined means a removed field. */
type VisibleChanges = Record<string, unknown>;

/** Most documents have one holder, and then only the fields object of that holder is stored. */
export class DocumentView {
	/** The holder, while there is only one. */
	#holder: SubscriptionHandle;
	#fields: Fields;
	/** Set while there are several holders. `#holder` and `#fields` are then outdated. */
	#shared: MultiHolderState | undefined;

	/** @param fields published by the first holder; not copied, so they must not be changed */
	constructor(
		readonly id: unknown,
		holder: SubscriptionHandle,
		fields: Fields,
	) {
		this.#holder = holder;
		this.#fields = withoutIdAndUndefined(fields);
	}

	/** The fields that the client has. */
	get fields(): Fields {
		return this.#shared ? visibleValuesOf(this.#shared) : this.#fields;
	}

	isHeldBy(holder: SubscriptionHandle): boolean {
		return this.#shared ? this.#shared.holders.includes(holder) : this.#holder === holder;
	}

	/**
	 * Records values that a holder publishes, and adds the holder if it is new. Undefined removes the holder's value.
	 * @returns the changes for the client. If all fields of the only holder change, this is the object `fields` itself,
	 * so that its encoded message can be reused
	 */
	recordValues(holder: SubscriptionHandle, fields: Fields): VisibleChanges {
		if (!this.#shared && this.#holder === holder) return this.recordAsOnlyHolder(fields);
		this.#shared ??= this.toShared();
		const { holders, values } = this.#shared;
		if (!holders.includes(holder)) holders.push(holder);
		const visible: VisibleChanges = {};
		for (const [name, value] of Object.entries(fields)) {
			if (name === '_id') continue;
			if (value !== undefined) setValue(values, holder, name, value, visible);
			else removeValue(values, holder, name, visible);
		}
		return visible;
	}

	/**
	 * Replaces the fields without comparing them, if `holder` is the only holder and `before` is the stored object. That
	 * saves time for a live query, which publishes the same objects to all clients.
	 * @returns whether the fields were replaced
	 */
	replace(holder: SubscriptionHandle, before: Fields, after: Fields): boolean {
		if (this.#shared || this.#holder !== holder || this.#fields !== before) return false;
		this.#fields = after;
		return true;
	}

	/**
	 * Removes one of several holders. `holder` must be one of them (`isHeldBy`).
	 * @returns the changes for the client; undefined for the only holder: then the caller must remove the document
	 */
	release(holder: SubscriptionHandle): VisibleChanges | undefined {
		if (!this.#shared) return undefined;
		const { holders, values } = this.#shared;
		holders.splice(holders.indexOf(holder), 1);
		const visible: VisibleChanges = {};
		for (const name of values.keys()) removeValue(values, holder, name, visible);
		const [remaining, another] = holders;
		if (remaining && !another) {
			this.#holder = remaining;
			this.#fields = visibleValuesOf(this.#shared);
			this.#shared = undefined;
		}
		return visible;
	}

	private recordAsOnlyHolder(fields: Fields): VisibleChanges {
		const visible: VisibleChanges = {};
		for (const [name, value] of Object.entries(fields)) {
			if (name === '_id') continue;
			const wasSet = Object.hasOwn(this.#fields, name);
			const isSet = value !== undefined;
			const isUnchanged = wasSet === isSet && (!isSet || isSame(this.#fields[name], value));
			if (!isUnchanged) visible[name] = value;
		}
		const count = Object.keys(visible).length;
		if (count > 0) this.#fields = withoutIdAndUndefined({ ...this.#fields, ...visible });
		return count === Object.keys(fields).length ? fields : visible;
	}

	private toShared(): MultiHolderState {
		const holder = this.#holder;
		return {
			holders: [holder],
			values: new Map(Object.entries(this.#fields).map(([name, value]) => [name, [{ holder, value }]])),
		};
	}
}

/** Returns the same object if it has neither `_id` nor undefined values. */
function withoutIdAndUndefined(fields: Fields): Fields {
	const entries = Object.entries(fields);
	const defined = entries.filter(([name, value]) => value !== undefined && name !== '_id');
	return defined.length === entries.length ? fields : Object.fromEntries(defined);
}

function visibleValuesOf({ values }: MultiHolderState): Fields {
	return Object.fromEntries([...values].map(([name, [first]]) => [name, first?.value]));
}

/** Records a holder's value for the field `name`, and adds the change to `visible` if the client sees it. */
function setValue(
	valuesByField: MultiHolderState['values'],
	holder: SubscriptionHandle,
	name: string,
	value: unknown,
	visible: VisibleChanges,
): void {
	const values = valuesByField.get(name);
	if (!values) {
		valuesByField.set(name, [{ holder, value }]);
		visible[name] = value;
		return;
	}
	const ownValue = values.find((one) => one.holder === holder);
	if (!ownValue) {
		values.push({ holder, value });
	} else {
		if (ownValue === values[0] && !isSame(ownValue.value, value)) visible[name] = value;
		ownValue.value = value;
	}
}

function removeValue(
	valuesByField: MultiHolderState['values'],
	holder: SubscriptionHandle,
	name: string,
	visible: VisibleChanges,
): void {
	const values = valuesByField.get(name);
	const index = values?.findIndex((one) => one.holder === holder) ?? -1;
	if (!values || index === -1) return;
	const [removedValue] = values.splice(index, 1);
	const [firstValue] = values;
	if (!firstValue) {
		valuesByField.delete(name);
		visible[name] = undefined;
	} else if (index === 0 && !isSame(firstValue.value, removedValue?.value)) {
		visible[name] = firstValue.value;
	}
}
