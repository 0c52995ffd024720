/** The required indexes of a store. Those on fields that Rocket.Chat indexes too are like Rocket.Chat's. */
import type { collectionNames, Store } from './store.js';

/** The names of the built-in collections. */
export type CollectionName = (typeof collectionNames)[keyof Store];

export interface IndexSpec {
	/** Paths of the fields, all ascending. */
	readonly fields: readonly string[];
	readonly unique: boolean;
	/** Documents without the field are not indexed, so several may lack a unique field. */
	readonly sparse: boolean;
	/** True: MongoDB gets a partial index instead of a sparse one, as in Rocket.Chat. */
	readonly partial?: boolean;
	/** True: only for the embedded store (in memory or in files). MongoDB uses another index. */
	readonly embeddedOnly?: boolean;
	/**
	 * True: MongoDB removes a document some time after the date in the field. The embedded store leaves the index out.
	 * There, only `server/core/sweepSharedState.ts` removes documents.
	 */
	readonly expires?: boolean;
	/** True: texts that differ only in case have the same key. The index is only used for patterns like `/^alice$/i`. */
	readonly ignoreCase?: boolean;
}

export interface IndexedCollection {
	readonly name: string;
	readonly indexes: readonly IndexSpec[];
}

const unique = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: false });
const plain = (...fields: string[]): IndexSpec => ({ fields, unique: false, sparse: false });
const uniqueSparse = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: true });

/**
 * An index of the embedded store for patterns that ignore case. MongoDB uses the plain index of the field instead, for
 * the prefixes that `methods/model/users/findUser.ts` adds to such a pattern.
 */
const ignoringCase = (field: string): IndexSpec => ({
	fields: [field],
	unique: false,
	sparse: true,
	embeddedOnly: true,
	ignoreCase: true,
});

/** The indexes of built-in collections, beside that of `_id`. */
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
