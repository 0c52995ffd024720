/**
 * Documents as Rocket.Chat stores them (`test/contract/rocketchat-e2e.md` section 2). Only what Roomkey reads or
 * writes.
 */

/** One login of a user. The token itself is never stored. */
export interface LoginToken {
	/** Base64 of the SHA-256 of the token. */
	hashedToken: string;
	/** Time of creation. The token expires a fixed time later. */
	when: Date;
	/** `personalAccessToken` for tokens that never expire. */
	type?: string;
	/** Only for a personal access token: its name, and the time of creation as Rocket.Chat stores it. */
	name?: string;
	createdAt?: Date;
	/** Only for a personal access token. True: its holder needs no second factor. */
	bypassTwoFactor?: boolean;
}

/** Codes of an authenticator app. */
export interface TotpService {
	enabled?: boolean;
	/** Base32. */
	secret?: string;
	/** Hex SHA-256 of the backup codes, each of which can be used once. */
	hashedBackup?: string[];
	/** The last time step whose code was used here: codes up to this step are invalid. */
	usedStep?: number;
}

/** A code sent by mail. */
export interface EmailCode {
	/** bcrypt of its digits. */
	code: string;
	expire: Date;
	/** Number of wrong attempts. */
	attempts?: number;
}

/** Collection `users`. */
export interface User {
	_id: string;
	username?: string;
	name?: string;
	emails?: { address: string; verified: boolean }[];
	profile?: Record<string, unknown>;
	/** Global roles, such as `user` and `admin`. */
	roles?: string[];
	active?: boolean;
	/** `user` for people. */
	type?: string;
	createdAt?: Date;
	/** Texts of the user's profile. */
	bio?: string;
	nickname?: string;
	/** Set by a Rocket.Chat server on the same database: the user must change the password at the next login. */
	requirePasswordChange?: boolean;
	customFields?: Record<string, unknown>;
	/** The online status, set by a Rocket.Chat server on the same database. */
	status?: string;
	/** The settings of the user's client. */
	settings?: Record<string, unknown>;
	/** Secret: read only single fields, with a projection. */
	services?: {
		password?: { bcrypt: string };
		resume?: { loginTokens: LoginToken[] };
		totp?: TotpService;
		email2fa?: { enabled?: boolean };
		/** An array in older releases. */
		emailCode?: EmailCode | EmailCode[];
	};
	/** The identity keys. `private_key` is only sent to its owner. */
	e2e?: { public_key?: string; private_key?: string };
	/**
	 * The newest entry of the history of public keys, preceded by entries that have not yet been moved to the collection
	 * `roomkey_key_history` (`test/contract/beyond.md` E15). Earlier data may have the whole history here. Null is the
	 * same as absent: no entries.
	 */
	e2eKeyHistory?: KeyHistoryEntry[] | null;
	/** Since when room keys sealed for a former identity key are being archived; removed when that is done. */
	e2eRekeying?: Date;
	/**
	 * Since when the user is being queued in their rooms after storing a first identity key; removed when that is done.
	 */
	e2eQueueing?: Date;
	/** Ids of the user's rooms. Rocket.Chat uses it to list the members of a room. */
	__rooms?: string[];
	/** True for a user of another (federated) server. */
	federated?: boolean;
	_updatedAt?: Date;
}

/** One public key that a user has stored. */
export interface KeyHistoryEntry {
	public_key: string;
	ts: Date;
	/** `hash` of the previous entry; empty in the first. */
	previous: string;
	/** Hex SHA-256 over this entry and the previous one. */
	hash: string;
	/** How the caller who stored the key was logged in. Absent if another server stored it. */
	login?: KeyLogin;
}

/**
 * How a caller was logged in: by a login token alone, by a personal access token, with a second factor or the password
 * beside the token, or without a token, as the server itself.
 */
export type KeyLogin = 'session' | 'personal-access-token' | 'totp' | 'email' | 'password' | 'server';

/** Collection `roomkey_key_history`: the earlier public keys of a user, by the user's id. */
export interface KeyHistory {
	_id: string;
	/** Oldest first, without gaps. */
	entries: KeyHistoryEntry[];
	/** `hash` of the last entry. */
	head: string;
	/** How many entries before the first were dropped, because the history was too long. */
	dropped: number;
	_updatedAt?: Date;
}

/**
 * Collection `roomkey_shared_state`: what the processes of one service share for a limited time. The first word of the id
 * is the kind of document, which determines its fields.
 */
export interface SharedState {
	_id: string;
	/** From then on the document is void, also while it is not yet removed. */
	until: Date;
	/** `call`: id of the execution that runs the call, or has run it. */
	run?: string;
	/** `call`: keyed hash of the DDP session; null over REST. */
	session?: string | null;
	/** `call`: keyed hash of the arguments. */
	args?: string;
	/** `call`: the encrypted outcome; empty if it was too large to be kept; absent while the call runs. */
	answer?: string;
	/** `chain`: the encrypted id of the first session of a chain. */
	chain?: string;
	/** `reservation`: user id of the provider. */
	provider?: string;
	/** `reservation`: its end. */
	reservedUntil?: Date;
	/** `count`: how often an event was counted in the window that ends at `until`. */
	count?: number;
	/** `usage`: the calls that one process has counted since its previous report, as JSON. */
	counts?: string;
	_updatedAt?: Date;
}

/** `c` channel, `p` private group, `d` direct, `l` livechat, `v` voip. */
export type RoomType = 'c' | 'p' | 'd' | 'l' | 'v';

/** A reference to a user in other documents. */
export interface UserRef {
	_id: string;
	username?: string;
	name?: string;
}

/** Collection `rocketchat_room`. */
export interface Room {
	_id: string;
	t: RoomType;
	/** Direct rooms have none. */
	name?: string;
	fname?: string;
	/** The creator of the room. */
	u?: UserRef;
	/** Participants of a direct room. */
	usernames?: string[];
	uids?: string[];
	usersCount?: number;
	/** Number of messages: 0, because Roomkey stores keys only. */
	msgs?: number;
	ts?: Date;
	/** Whether only some members may write. */
	ro?: boolean;
	sysMes?: boolean;
	topic?: string;
	description?: string;
	announcement?: string;
	customFields?: Record<string, unknown>;
	/** Whether new users join it by default. */
	default?: boolean;
	/** Whether it is a broadcast room: some members write, all read. */
	broadcast?: boolean;
	archived?: boolean;
	encrypted?: boolean;
	/** Id of the current room key. The first writer wins. Unset, null and `""` mean the same: no key. */
	e2eKeyId?: string | null;
	/** The queue of members who need the key, the longest waiting first, at most 50. */
	usersWaitingForE2EKeys?: WaitingUser[];
	/** The last switch of encryption: user and time (`test/contract/beyond.md` E14). */
	e2eToggled?: { encrypted: boolean; by: UserRef; at: Date };
	/** Set if a former member may know the key (`test/contract/beyond.md` E12). Removed by a reset of the key. */
	e2eStale?: { since: Date; reason: string };
	/** The reset of the key that is in progress or was interrupted. `formerKeyId` is the key id the room had before. */
	e2eReset?: { id: string; userId: string; keyId: string; formerKeyId?: string; until: Date } | null;
	/** Parent room of a discussion. */
	prid?: string;
	teamId?: string;
	/** True for the main room of a team: it is only deleted with the team. */
	teamMain?: boolean;
	/** Whether joining requires a code. */
	joinCodeRequired?: boolean;
	abacAttributes?: unknown[];
	federated?: boolean;
	/** The agent of a livechat or voip room. */
	servedBy?: { _id: string };
	_updatedAt?: Date;
}

/** An entry in the queue of members who need a room's key. */
export interface WaitingUser {
	userId: string;
	/** Since when. */
	ts: Date;
}

/** A former key of a room, sealed for one member. */
export interface OldRoomKey {
	e2eKeyId: string;
	/** When it was archived. */
	ts: Date;
	E2EKey: string;
	/** True: its member has returned it, because it does not work. */
	returned?: boolean;
	/** Id of the member who offered it; only set for a returned key. */
	offeredBy?: string;
}

/** A record about a room key that a member was offered or has accepted. */
export interface KnownKey {
	/** Hex SHA-256 of the sealed key. */
	hash: string;
	/** Key id of the room at that time. The key belongs to this id, even if its text begins with another id. */
	keyId: string;
	/** Id of the member who offered it; absent if another server stored the offer. */
	by?: string;
	ts: Date;
	/** True: its member has returned it. Further offers of that key id from the same provider are refused. */
	returned?: boolean;
}

/** Collection `rocketchat_subscription`: one document for each member of each room. */
export interface Subscription {
	_id: string;
	rid: string;
	u: UserRef;
	t?: RoomType;
	name?: string;
	fname?: string;
	open?: boolean;
	alert?: boolean;
	unread?: number;
	userMentions?: number;
	groupMentions?: number;
	/** When the member joined. */
	ts?: Date;
	/** When the member last read the room. */
	ls?: Date;
	/** Roles in this room, such as `owner`. */
	roles?: string[];
	/** `INVITED`: invited, and not yet a member. */
	status?: string;
	/** Whether a Rocket.Chat server on the same database translates messages for the member. */
	autoTranslate?: boolean;
	/** Departure notes: calls that are about to remove an owner, with the time at which each note expires. */
	departures?: { id: string; until: Date }[];
	/** The room's key, sealed for this member. Unique over all memberships. */
	E2EKey?: string;
	/** The room's key as offered by another member, not yet accepted. */
	E2ESuggestedKey?: string;
	/** Archived former keys, the newest first, at most 10. */
	oldRoomKeys?: OldRoomKey[];
	/** Former keys that came with the offer. */
	suggestedOldRoomKeys?: OldRoomKey[];
	/**
	 * Records of the keys that this member was offered or has accepted, the newest last, at most 50. Null is the same as
	 * absent: no records.
	 */
	e2eKnownKeys?: KnownKey[] | null;
	_updatedAt?: Date;
}

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
