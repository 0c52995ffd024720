/** Rooms, memberships and room keys (`test/contract/rocketchat-e2e.md` section 2). */

/** `c` channel, `p` private room, `d` direct, `l` livechat, `v` voip. Only `p` and `d` can be encrypted. */
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
	/** Unique. Absent in direct rooms. */
	name?: string;
	/** Name that people see. */
	fname?: string;
	/** The creator of the room. */
	u?: UserRef;
	/** Participants of a direct room: their user names, and their ids. */
	usernames?: string[];
	uids?: string[];
	usersCount?: number;
	/** Number of messages. Roomkey stores 0. */
	msgs?: number;
	/** Time of creation. */
	ts?: Date;
	/** Read-only. Roomkey only stores it. */
	ro?: boolean;
	/** Whether system messages are shown. */
	sysMes?: boolean;
	topic?: string;
	description?: string;
	announcement?: string;
	customFields?: Record<string, unknown>;
	/** Whether new users join the room by default. */
	default?: boolean;
	/** Only authorized members write new messages, the others can reply. Roomkey only stores it. */
	broadcast?: boolean;
	archived?: boolean;
	encrypted?: boolean;
	/** Id of the current room key. Absent, null and `""`: no key. */
	e2eKeyId?: string | null;
	/** Members who need the key, the longest waiting first, at most 50. */
	usersWaitingForE2EKeys?: WaitingUser[];
	/** The last time that encryption was switched on or off (`test/contract/beyond.md` E14). */
	e2eToggled?: { encrypted: boolean; by: UserRef; at: Date };
	/** Set if a former member may know the key, until the key is reset (`test/contract/beyond.md` E12). */
	e2eStale?: { since: Date; reason: string };
	/**
	 * A key reset, in progress or interrupted. Its lock has the id `id`, and is valid until the time `until`. `keyId` is
	 * the new key id, and `formerKeyId` the one before the reset.
	 */
	e2eReset?: { id: string; userId: string; keyId: string; formerKeyId?: string; until: Date } | null;
	/** Parent room of a discussion. */
	prid?: string;
	teamId?: string;
	/** True for the main room of a team, which is only deleted with the team. */
	teamMain?: boolean;
	joinCodeRequired?: boolean;
	/** Attributes that determine the members (attribute-based access control). */
	abacAttributes?: unknown[];
	/** True for a room that other servers share. */
	federated?: boolean;
	/** The agent of a livechat or voip room. */
	servedBy?: { _id: string };
	_updatedAt?: Date;
}

export interface WaitingUser {
	userId: string;
	/** Since when the user waits. */
	ts: Date;
}

/** A former key of a room, sealed for one member. */
export interface OldRoomKey {
	e2eKeyId: string;
	/** When the key was archived. */
	ts: Date;
	E2EKey: string;
	/** True if the member has returned the key, because it does not work. */
	returned?: boolean;
	/** Id of the member who offered a returned key. */
	offeredBy?: string;
}

/** A record about a room key that a member was offered or has accepted. */
export interface KnownKey {
	/** Hex SHA-256 of the sealed key. */
	hash: string;
	/** Key id of the room at the time `ts`, even if the text of the key begins with another id. */
	keyId: string;
	/** Id of the member who offered the key. Absent if another server stored the offer. */
	by?: string;
	/** When the record was made. For a returned key, the time of the return. */
	ts: Date;
	/** True if the member has returned the key. Then further offers of `keyId` by the member `by` are refused. */
	returned?: boolean;
}

/** Collection `rocketchat_subscription`: one document for each member of each room. */
export interface Subscription {
	_id: string;
	rid: string;
	t?: RoomType;
	name?: string;
	fname?: string;
	u: UserRef;
	/** Whether the member's client lists the room. */
	open?: boolean;
	/** Whether the room has unread messages, and how many. */
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
	/** Whether Rocket.Chat translates messages for the member. */
	autoTranslate?: boolean;
	/**
	 * Only for an owner: the calls that are removing this owner from the room. Until the time `until`, other calls do not
	 * count the member as a remaining owner. So the last two owners cannot leave at the same time.
	 */
	departures?: { id: string; until: Date }[];
	/** The room's key, sealed for this member. It may be a former one. No two memberships may have the same text. */
	E2EKey?: string;
	/** The room's key, offered by another member and not yet accepted. */
	E2ESuggestedKey?: string;
	/** Archived former keys, the newest first, at most 10. */
	oldRoomKeys?: OldRoomKey[];
	/** Former keys that came with the offer. */
	suggestedOldRoomKeys?: OldRoomKey[];
	/** The keys that this member was offered or has accepted, the newest last, at most 50. Null: none. */
	e2eKnownKeys?: KnownKey[] | null;
	_updatedAt?: Date;
}
