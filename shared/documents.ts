/** Documents as Rocket.Chat stores them (`contract/rocketchat-e2e.md` section 2). Only what Roomkey reads or writes. */

/** One login of a user. The token itself is never stored. */
export interface LoginToken {
	/** Base64 of the SHA-256 of the token. */
	hashedToken: string;
	/** When it was made; it runs out a set time later. */
	when: Date;
	/** `personalAccessToken` for those that never run out. */
	type?: string;
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
	/** Never leaves the store but through a projection that names a part of it. */
	services?: {
		password?: { bcrypt: string };
		resume?: { loginTokens: LoginToken[] };
	};
	/** `private_key` is for its owner alone. */
	e2e?: { public_key?: string; private_key?: string };
	_updatedAt?: Date;
}

/** `c` channel, `p` private group, `d` direct, `l` livechat, `v` voip. */
export type RoomType = 'c' | 'p' | 'd' | 'l' | 'v';

/** Collection `rocketchat_room`. */
export interface Room {
	_id: string;
	t: RoomType;
	name?: string;
	encrypted?: boolean;
	/** Id of the current room key. The first writer wins. Unset, null and `""` mean the same: no key. */
	e2eKeyId?: string | null;
	/** Parent room of a discussion. */
	prid?: string;
	teamId?: string;
	/** The agent of a livechat or voip room. */
	servedBy?: { _id: string };
	_updatedAt?: Date;
}

/** Collection `rocketchat_subscription`: one document a member and room. */
export interface Subscription {
	_id: string;
	rid: string;
	u: { _id: string; username?: string };
	t?: RoomType;
	/** Roles in this room, such as `owner`. */
	roles?: string[];
	/** `INVITED`: asked in, not yet come. */
	status?: string;
	E2EKey?: string;
	_updatedAt?: Date;
}

/** Collection `rocketchat_permissions`: who may do what. */
export interface Permission {
	_id: string;
	roles: string[];
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
