/** Documents as Rocket.Chat stores them (`test/contract/rocketchat-e2e.md` section 2). Only what Roomkey reads or writes. */

/** One login of a user. The token itself is never stored. */
export interface LoginToken {
	/** Base64 of the SHA-256 of the token. */
	hashedToken: string;
	/** When it was made; it runs out a set time later. */
	when: Date;
	/** `personalAccessToken` for those that never run out. */
	type?: string;
	/** Of a personal access token: its holder is not asked for a second factor. */
	bypassTwoFactor?: boolean;
}

/** Codes of an authenticator app. */
export interface TotpService {
	enabled?: boolean;
	/** Base32. */
	secret?: string;
	/** Hex SHA-256 of the codes that are good without the app, each once. */
	hashedBackup?: string[];
	/** The last time step whose code was used here: it and those before it are good no more. */
	usedStep?: number;
}

/** A code that was sent by mail. */
export interface EmailCode {
	/** bcrypt of its digits. */
	code: string;
	expire: Date;
	/** How often another one was tried. */
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
	/** What they say of themselves. */
	bio?: string;
	nickname?: string;
	/** What a Rocket.Chat beside Roomkey asks of them at the next login. */
	requirePasswordChange?: boolean;
	customFields?: Record<string, unknown>;
	/** Whether they are online, as a Rocket.Chat on the same database has it. */
	status?: string;
	/** What they have set for their client. */
	settings?: Record<string, unknown>;
	/** Never leaves the store but through a projection that names a part of it. */
	services?: {
		password?: { bcrypt: string };
		resume?: { loginTokens: LoginToken[] };
		totp?: TotpService;
		email2fa?: { enabled?: boolean };
		/** A list in older releases. */
		emailCode?: EmailCode | EmailCode[];
	};
	/** The identity keys. `private_key` is for its owner alone. */
	e2e?: { public_key?: string; private_key?: string };
	/**
	 * The newest entry of the history of public keys, and before it those that are not yet moved to the collection
	 * `roomkey_key_history` (`test/contract/beyond.md` E15). Earlier data may have the whole history here.
	 */
	e2eKeyHistory?: KeyHistoryEntry[] | null;
	/** Since when room keys sealed for a former identity key are being put away; gone when that is done. */
	e2eRekeying?: Date;
	/** Since when the user is being put into the queues of their rooms, with a first identity key; gone when that is done. */
	e2eQueueing?: Date;
	/** Ids of the rooms they are a member of, as Rocket.Chat lists members by it. */
	__rooms?: string[];
	/** Comes from another server. */
	federated?: boolean;
	_updatedAt?: Date;
}

/** One public key a user stored. */
export interface KeyHistoryEntry {
	public_key: string;
	ts: Date;
	/** `hash` of the entry before; empty in the first. */
	previous: string;
	/** Hex SHA-256 over this entry and the one before. */
	hash: string;
	/** How the caller who stored it was logged in. Absent for a key that was not stored here. */
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
	/** Oldest first, without a gap. */
	entries: KeyHistoryEntry[];
	/** `hash` of the last entry. */
	head: string;
	/** How many entries before the first were dropped, because the history was too long. */
	dropped: number;
	_updatedAt?: Date;
}

/** `c` channel, `p` private group, `d` direct, `l` livechat, `v` voip. */
export type RoomType = 'c' | 'p' | 'd' | 'l' | 'v';

/** Somebody, as documents about other things name them. */
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
	/** Who made it. */
	u?: UserRef;
	/** Participants of a direct room. */
	usernames?: string[];
	uids?: string[];
	usersCount?: number;
	/** How many messages it has: none, Roomkey keeps keys. */
	msgs?: number;
	ts?: Date;
	/** Whether only some may write. */
	ro?: boolean;
	sysMes?: boolean;
	topic?: string;
	description?: string;
	announcement?: string;
	customFields?: Record<string, unknown>;
	/** Whether it is among those a new user joins. */
	default?: boolean;
	/** Whether only some write, and all read. */
	broadcast?: boolean;
	archived?: boolean;
	encrypted?: boolean;
	/** Id of the current room key. The first writer wins. Unset, null and `""` mean the same: no key. */
	e2eKeyId?: string | null;
	/** Members who need the key, the longest waiting first, at most 50. */
	usersWaitingForE2EKeys?: WaitingUser[];
	/** Who switched encryption on or off last, and when (`test/contract/beyond.md` E14). */
	e2eToggled?: { encrypted: boolean; by: UserRef; at: Date };
	/** Why somebody who is no member any more may know the key (`test/contract/beyond.md` E12). Gone with a new key. */
	e2eStale?: { since: Date; reason: string };
	/** The reset of the key that is under way, or was interrupted. `formerKeyId` is the key id the room had before. */
	e2eReset?: { id: string; userId: string; keyId: string; formerKeyId?: string; until: Date } | null;
	/** Parent room of a discussion. */
	prid?: string;
	teamId?: string;
	/** The room a team stands on: it goes with the team alone. */
	teamMain?: boolean;
	/** Whether only those may join who know a code. */
	joinCodeRequired?: boolean;
	abacAttributes?: unknown[];
	federated?: boolean;
	/** The agent of a livechat or voip room. */
	servedBy?: { _id: string };
	_updatedAt?: Date;
}

/** A place in the queue of those who need a room's key. */
export interface WaitingUser {
	userId: string;
	/** Since when. */
	ts: Date;
}

/** A former key of a room, sealed for one member. */
export interface OldRoomKey {
	e2eKeyId: string;
	/** When it was put away. */
	ts: Date;
	E2EKey: string;
	/** True: its member has returned it, as it does not work. */
	returned?: boolean;
	/** Id of the member who had offered it; only of a key that was returned. */
	offeredBy?: string;
}

/** What is known of a room key that a member was offered, or has taken. */
export interface KnownKey {
	/** Hex SHA-256 of the sealed key. */
	hash: string;
	/** Key id the room had then: the key counts as one of that id, whatever id it begins with. */
	keyId: string;
	/** Id of the member who offered it; absent where it was offered elsewhere. */
	by?: string;
	ts: Date;
	/** True: its member has returned it. The same member's offers of that key id are not stored any more. */
	returned?: boolean;
}

/** Collection `rocketchat_subscription`: one document a member and room. */
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
	/** When the member came. */
	ts?: Date;
	/** When the member last looked. */
	ls?: Date;
	/** Roles in this room, such as `owner`. */
	roles?: string[];
	/** `INVITED`: asked in, not yet come. */
	status?: string;
	/** Whether messages are translated for the member: a Rocket.Chat on the same database does. */
	autoTranslate?: boolean;
	/** Calls that are about to remove an owner: until when each may take. */
	departures?: { id: string; until: Date }[];
	/** The room's key, sealed for this member. No two are alike. */
	E2EKey?: string;
	/** The same, offered by another member and not yet accepted. */
	E2ESuggestedKey?: string;
	/** Former keys, the newest first, at most 10. */
	oldRoomKeys?: OldRoomKey[];
	/** Former keys that came with the offer. */
	suggestedOldRoomKeys?: OldRoomKey[];
	/** Where the keys came from, the newest last, at most 50. */
	e2eKnownKeys?: KnownKey[] | null;
	_updatedAt?: Date;
}

/** Collection `rocketchat_permissions`: who may do what. */
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
	/** Shown to others; empty: the role is not shown. */
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

/** Collection `rocketchat__trash`: what was removed, for clients that ask what has changed since. */
export interface Trashed {
	/** That of the document. */
	_id: string;
	/** `rocketchat_subscription` and the like, without the prefix. */
	__collection__: string;
	_deletedAt: Date;
	/** The room, of a place in it. */
	rid?: string;
	/** Whose place it was. */
	u?: UserRef;
	_updatedAt?: Date;
}
