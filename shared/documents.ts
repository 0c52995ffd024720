/**
 * Documents of the collections: only the fields that Roomkey reads or writes. `test/contract/rocketchat-e2e.md` section 2
 * describes the fields of Rocket.Chat.
 */
import type { UserRef } from './documents/rooms.js';

export type * from './documents/rooms.js';
export type * from './documents/users.js';

/** Collection `rocketchat_permissions`: which roles hold a permission. */
export interface Permission {
	_id: string;
	roles: string[];
	_updatedAt?: Date;
}

/** Collection `rocketchat_roles`. */
export interface Role {
	_id: string;
	name: string;
	/** `Users`: held everywhere. `Subscriptions`: held in one room. */
	scope: 'Users' | 'Subscriptions';
	/** Public description; empty: the role is hidden. */
	description?: string;
	protected?: boolean;
	mandatory2fa?: boolean;
	_updatedAt?: Date;
}

/** Collection `rocketchat_team`. */
export interface Team {
	_id: string;
	/** 0 public, 1 private. */
	type: 0 | 1;
	_updatedAt?: Date;
}

/** Collection `rocketchat_team_member`. */
export interface TeamMember {
	_id: string;
	teamId: string;
	userId: string;
	_updatedAt?: Date;
}

/** Collection `rocketchat_settings`: what an admin can change while the server runs. */
export interface Setting {
	_id: string;
	value: unknown;
	_updatedAt?: Date;
}

/** Collection `rocketchat__trash`: removed documents, for clients that ask for changes since a time. */
export interface Trashed {
	/** The `_id` of the removed document. */
	_id: string;
	/** Name of the collection, without the prefix `rocketchat_`. */
	__collection__: string;
	_deletedAt: Date;
	/** The room id, for a membership. */
	rid?: string;
	/** The former member, for a membership. */
	u?: UserRef;
	_updatedAt?: Date;
}

/**
 * Collection `roomkey_shared_state`: what the processes of one service share for a limited time. The id begins with the
 * kind of the document (`methods/model/sharedState.ts`). The comment of a field begins with the kind that has the field.
 */
export interface SharedState {
	_id: string;
	/** When the document expires. An expired document is ignored, even before it is removed. */
	until: Date;
	/** `call`: id of the execution. */
	run?: string;
	/** `call`: keyed hash of the DDP session; null over REST. */
	session?: string | null;
	/** `call`: keyed hash of the arguments. */
	args?: string;
	/** `call`: the encrypted outcome; empty if it was too large to be kept; absent while the call runs. */
	answer?: string;
	/** `chain`: the encrypted id of the first of several DDP sessions that resumed one another. */
	chain?: string;
	/** `reservation`: user id of the key holder for whom a waiting member is reserved. */
	provider?: string;
	/** `reservation`: when the reservation ends. */
	reservedUntil?: Date;
	/** `count`: number of counted calls or login attempts in the window that ends at `until`. */
	count?: number;
	/** `usage`: the calls that one process has counted since its previous report, as JSON. */
	counts?: string;
	_updatedAt?: Date;
}
