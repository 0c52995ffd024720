/** The indexes a store must have. Those of the same fields in a Rocket.Chat database are exactly these. */
import type { CollectionName } from './collections.js';

export interface IndexSpec {
	/** Paths, all ascending. */
	readonly fields: readonly string[];
	readonly unique: boolean;
	/** Documents without the field are left out, so that many may lack a unique one. */
	readonly sparse: boolean;
	/** In MongoDB partial instead, as Rocket.Chat made it: only documents with the field are in it. */
	readonly partial?: boolean;
	/** Needed in the embedded store alone: MongoDB uses the first field of a longer one. */
	readonly embeddedOnly?: boolean;
	/** Texts that differ in case alone have one key. It serves patterns such as `/^alice$/i`, and nothing else. */
	readonly ignoreCase?: boolean;
}

const unique = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: false });
const plain = (...fields: string[]): IndexSpec => ({ fields, unique: false, sparse: false });
const uniqueSparse = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: true });

/** MongoDB uses the plain index of the same field for the spelled out prefix that methods add to such a pattern. */
const ignoringCase = (field: string): IndexSpec => ({
	fields: [field],
	unique: false,
	sparse: true,
	embeddedOnly: true,
	ignoreCase: true,
});

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
	rocketchat_team_member: [unique('teamId', 'userId')],
};
