/** The indexes a store must have. Those of the same fields in a Rocket.Chat database are exactly these. */
import type { CollectionName } from './collections.js';

export interface IndexSpec {
	/** Paths, all ascending. */
	readonly fields: readonly string[];
	readonly unique: boolean;
	/** Documents without the field are left out, so that many may lack a unique one. */
	readonly sparse: boolean;
}

const unique = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: false });
const uniqueSparse = (...fields: string[]): IndexSpec => ({ fields, unique: true, sparse: true });

export const indexes: Readonly<Partial<Record<CollectionName, readonly IndexSpec[]>>> = {
	users: [
		uniqueSparse('username'),
		uniqueSparse('emails.address'),
		uniqueSparse('services.resume.loginTokens.hashedToken'),
	],
	rocketchat_subscription: [unique('rid', 'u._id'), uniqueSparse('E2EKey')],
	rocketchat_team_member: [unique('teamId', 'userId')],
};
