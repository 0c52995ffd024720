/** The required indexes of a store. Those on fields that Rocket.Chat indexes too are made as by Rocket.Chat. */
import type { collectionNames, Store } from './store.js';

/** The names of the built-in collections, which exist without a declaration by an application. */
export type CollectionName = (typeof collectionNames)[keyof Store];

export interface IndexSpec {
	/** Paths of the indexed fields, all ascending. */
	readonly fields: readonly string[];
	readonly unique: boolean;
	/** Documents without the field are not indexed, so several documents may lack a unique field. */
	readonly sparse: boolean;
	/**
	 * True: MongoDB gets a partial index instead of a sparse one, as in Rocket.Chat. It contains only documents with the
	 * field.
	 */
	readonly partial?: boolean;
	/** True: only the embedded store (in memory or in files) needs it. MongoDB uses another index, which may be compound. */
	readonly embeddedOnly?: boolean;
	/**
	 * True: MongoDB removes a document some time after the date in the field. The embedded store leaves out such an index:
	 * there, only `server/core/sweepSharedState.ts` removes the documents.
	 */
	readonly expires?: boolean;
	/** True: texts that differ only in case have the same key. Such an index is only used for patterns like `/^alice$/i`. */
	readonly ignoreCase?: boolean;
}

/** A collection with the indexes that it needs. */
export interface IndexedCollection {
	/** Its name in the database. */
	readonly name: string;
	readonly indexes: readonly IndexSpec[];
}

const unique = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: false });
const plain = (...fields: string[]): IndexSpec => ({ fields, unique: false, sparse: false });
const uniqueSparse = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: true });

/**
 * An index for patterns that ignore case, only for the embedded store. MongoDB does not need it: it uses the plain index of
 * the field for the list of prefixes that `methods/model/users/findUser.ts` adds to such a pattern.
 */
const ignoringCase = (field: string): IndexSpec => ({
	fields: [field],
	unique: false,
	sparse: true,
	embeddedOnly: true,
	ignoreCase: true,
});

/** The indexes of each built-in collection, beside that of `_id`. */
export const indexes: Readonly<Partial<Record<CollectionName, readonly IndexSpec[]>>> = {
	users: [
		uniqueSparse('username'),
		uniqueSparse('emails.address'),
		ignoringCase('username'),
		ignoringCase('emails.address'),
		uniqueSparse('services.resume.loginTokens.hashedToken'),
	],
	rocketchat_room: [
		uniqueSparse('name'),
		{ fields: ['uids'], unique: false, sparse: true },
		{ fields: ['usersWaitingForE2EKeys.userId'], unique: false, sparse: true, partial: true },
	],
	rocketchat_subscription: [
		unique('rid', 'u._id'),
		{ ...plain('rid'), embeddedOnly: true },
		plain('u._id'),
		uniqueSparse('E2EKey'),
	],
	rocketchat__trash: [plain('u._id')],
	roomkey_shared_state: [{ ...plain('until'), expires: true }],
	rocketchat_team_member: [unique('teamId', 'userId')],
};
