/** Patterns of answers and of the documents in them, for `returns` in method definitions. */
import { Match, named } from '../../shared/match.js';
import type { Pattern } from '../../shared/pattern.js';

/** What happened to a document, in an event. */
export const Action = Match.OneOf('inserted', 'updated', 'removed');

/** A reference to a user, as other documents contain it. */
export const UserRefPattern = Match.ObjectIncluding({ _id: String, username: Match.Optional(String) });

const OldKeys = [Match.ObjectIncluding({ e2eKeyId: String, ts: Date, E2EKey: String })];

/** A room, as clients see it. */
export const RoomAnswer = named(
	'Room',
	Match.ObjectIncluding({
		_id: String,
		t: String,
		name: Match.Optional(String),
		fname: Match.Optional(String),
		u: Match.Optional(UserRefPattern),
		usernames: Match.Optional([String]),
		uids: Match.Optional([String]),
		usersCount: Match.Optional(Number),
		topic: Match.Optional(String),
		description: Match.Optional(String),
		announcement: Match.Optional(String),
		ro: Match.Optional(Boolean),
		prid: Match.Optional(String),
		ts: Match.Optional(Date),
		_updatedAt: Match.Optional(Date),
		encrypted: Match.Optional(Boolean),
		e2eKeyId: Match.Optional(Match.OneOf(String, null)),
		usersWaitingForE2EKeys: Match.Optional([{ userId: String, ts: Date }]),
	}),
);

/** A membership: Rocket.Chat calls it a subscription. */
export const MembershipAnswer = named(
	'Membership',
	Match.ObjectIncluding({
		_id: String,
		rid: String,
		u: UserRefPattern,
		t: Match.Optional(String),
		name: Match.Optional(String),
		roles: Match.Optional([String]),
		E2EKey: Match.Optional(String),
		E2ESuggestedKey: Match.Optional(String),
		oldRoomKeys: Match.Optional(OldKeys),
		suggestedOldRoomKeys: Match.Optional(OldKeys),
	}),
);

/** A user. Fields that the caller may not see are absent. */
export const UserAnswer = named(
	'User',
	Match.ObjectIncluding({
		_id: String,
		username: Match.Optional(String),
		name: Match.Optional(String),
		emails: Match.Optional([Match.ObjectIncluding({ address: String })]),
		roles: Match.Optional([String]),
		active: Match.Optional(Boolean),
	}),
);

/** A user's own profile. */
export const UserProfile = named(
	'Profile',
	Match.ObjectIncluding({
		_id: String,
		username: Match.Optional(String),
		name: Match.Optional(String),
		emails: Match.Optional([Match.ObjectIncluding({ address: String, verified: Match.Optional(Boolean) })]),
		profile: Match.Optional(Object),
		roles: Match.Optional([String]),
		active: Match.Optional(Boolean),
		status: Match.Optional(String),
		settings: Match.Optional(Object),
		avatarUrl: Match.Optional(String),
	}),
);

/** Fields of an answer that is one page of a list. */
export const PAGE_ANSWER = { count: Number, offset: Number, total: Number } as const;

/** The answer of a call that can leave a room without a key holder. */
export const LAST_KEY_HOLDER_ANSWER = {
	/** True: a room that still has members has lost its last active key holder. */
	lastKeyHolder: Match.Optional(Boolean),
} as const;

/** The documents that were written since a given time, and those that were removed. */
export const changesOf = <const P extends Pattern>(document: P) => ({
	update: [document],
	remove: [Match.ObjectIncluding({ _id: String, _deletedAt: Date })],
});

export const SettingAnswer = named('Setting', { _id: String, value: Match.OneOf(String, Number, Boolean) });

export const PermissionAnswer = named('Permission', Match.ObjectIncluding({ _id: String, roles: [String] }));

/** An entry of the history of a user's public keys. */
export const KeyHistoryEntryAnswer = named('StoredPublicKey', {
	public_key: String,
	ts: Date,
	/** The hash of the previous entry; empty for the first. */
	previous: String,
	hash: String,
	/** How the caller who stored the key was logged in: a `KeyLogin`. */
	login: Match.Optional(String),
});

/**
 * The skipped entries of a batch; undefined if none was skipped. `moreSkipped`: the number of skipped entries that are
 * not listed.
 */
export const SkippedAnswer = Match.Optional({
	/** `_id` is that of the user. */
	skipped: [{ rid: String, _id: Match.Optional(String), reason: String }],
	moreSkipped: Match.Optional(Number),
});

const EncryptionToggle = { encrypted: Boolean, by: UserRefPattern, at: Date };

/**
 * The answer of `e2e.roomState`. `encrypted`, `keyID`, `toggled` and `stale` are absent while encryption is switched
 * off on the server. `holders` to `inactive` are numbers of members, one for each `state`.
 */
export const RoomStateAnswer = {
	rid: String,
	encrypted: Match.Optional(Boolean),
	keyID: Match.Optional(Match.OneOf(String, null)),
	toggled: Match.Optional(EncryptionToggle),
	stale: Match.Optional({ since: Date, reason: String }),
	hasHolder: Boolean,
	holders: Number,
	offered: Number,
	waiting: Number,
	withoutIdentityKey: Number,
	/** The members in the state `unfit-key`. */
	unfitKeys: Number,
	inactive: Number,
	/** `by` offered a key to `to`, who returned it at `at`. */
	returnedOffers: Match.Optional([{ by: String, to: String, at: Date }]),
	members: [
		{
			_id: String,
			username: Match.Optional(String),
			state: Match.OneOf('holder', 'offered', 'waiting', 'no-identity-key', 'unfit-key', 'inactive'),
			/** True: the member's public key cannot be used for sealing. Occurs in other states than `unfit-key` too. */
			unfitKey: Match.Optional(true),
		},
	],
	...PAGE_ANSWER,
} as const;
