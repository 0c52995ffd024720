/** Users, their logins and their identity keys (`test/contract/rocketchat-e2e.md` section 2). */

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
	/** True for a personal access token whose holder needs no second factor. */
	bypassTwoFactor?: boolean;
}

/** Codes of an authenticator app. */
export interface TotpService {
	enabled?: boolean;
	/** Base32. */
	secret?: string;
	/** Hex SHA-256 of backup codes, each for one use. */
	hashedBackup?: string[];
	/** The time step of the last accepted code. Codes of this and earlier steps are invalid. */
	usedStep?: number;
}

/** A code sent by mail. */
export interface EmailCode {
	/** bcrypt of its digits. */
	code: string;
	expire: Date;
	/** Number of wrong codes so far. */
	attempts?: number;
}

export interface User {
	_id: string;
	username?: string;
	name?: string;
	emails?: { address: string; verified: boolean }[];
	profile?: Record<string, unknown>;
	/** Global roles, such as `user` and `admin`. */
	roles?: string[];
	/** Only false means that the user is deactivated. */
	active?: boolean;
	/** `user` for people. */
	type?: string;
	createdAt?: Date;
	bio?: string;
	nickname?: string;
	/** True: clients ask the user for a new password. Roomkey only stores it. */
	requirePasswordChange?: boolean;
	customFields?: Record<string, unknown>;
	/** The online status, set by Rocket.Chat. */
	status?: string;
	settings?: Record<string, unknown>;
	/** Secret: read only single fields, with a projection. */
	services?: {
		password?: { bcrypt: string };
		resume?: { loginTokens: LoginToken[] };
		totp?: TotpService;
		email2fa?: { enabled?: boolean };
		/** An array in older releases of Rocket.Chat. */
		emailCode?: EmailCode | EmailCode[];
	};
	/** The identity keys. `private_key` is only sent to its owner. */
	e2e?: { public_key?: string; private_key?: string };
	/**
	 * The newest entry of the history of public keys, after older ones that are not yet moved to the collection
	 * `roomkey_key_history` (`test/contract/beyond.md` E15). Earlier data may have the whole history here. Null: none.
	 */
	e2eKeyHistory?: KeyHistoryEntry[] | null;
	/** Time of the last change of identity keys. Present until the room keys for the former ones are archived. */
	e2eRekeying?: Date;
	/** Time of the first identity keys. Present until the user is queued in all rooms. */
	e2eQueueing?: Date;
	/** Ids of the user's rooms, from which Rocket.Chat lists the members of a room. */
	__rooms?: string[];
	/** True for a user of another server. */
	federated?: boolean;
	_updatedAt?: Date;
}

export interface KeyHistoryEntry {
	public_key: string;
	ts: Date;
	/** `hash` of the previous entry; empty in the first. */
	previous: string;
	/** Hex SHA-256 of `previous`, `ts` and `public_key` (`docs/keys.md`). */
	hash: string;
	/** How the caller who stored the key was logged in. Absent if Rocket.Chat stored it. */
	login?: KeyLogin;
}

/**
 * How a caller was logged in.
 * - `session`, `personal-access-token`: by a token of this kind
 * - `totp`, `email`, `password`: by a token and this proof
 * - `server`: without a token, by a call of the application
 */
export type KeyLogin = 'session' | 'personal-access-token' | 'totp' | 'email' | 'password' | 'server';

/** Collection `roomkey_key_history`: earlier public keys of the user with the id `_id`. */
export interface KeyHistory {
	_id: string;
	/** Oldest first, without gaps. */
	entries: KeyHistoryEntry[];
	/** `hash` of the last entry. */
	head: string;
	/** Number of older entries that were dropped, because the history was too long. */
	dropped: number;
	_updatedAt?: Date;
}
