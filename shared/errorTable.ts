/** The client errors by name. `tooManyRequests` and `notFound` are in `errors.ts`. */

export interface ErrorRow {
	readonly error: string | number;
	/** True: REST shows only the code. */
	readonly bare?: boolean;
	/** HTTP status of a `bare` error. Default: that of its code (`server/rest/envelope.ts`). */
	readonly status?: number;
	/** Absent if the code is also the text. */
	readonly reason?: string;
	/** True: the same call may succeed later, see `isTransient`. */
	readonly transient?: boolean;
}

function table<Name extends string>(rows: Record<Name, ErrorRow>): Readonly<Record<Name, ErrorRow>> {
	return rows;
}

/** Errors of methods. Their details name the called method. */
export const methodErrors = table({
	/* calls */
	invalidUser: { error: 'error-invalid-user', reason: 'Invalid user' },
	filterNotSupported: {
		error: 'error-invalid-params',
		reason: 'The parameter "query" is not supported: lists cannot be filtered by it',
	},
	idempotencyMismatch: {
		error: 'error-idempotency-mismatch',
		reason: 'This call was made before with other arguments',
	},
	idempotencyAnswerTooLarge: {
		error: 'error-idempotency-answer-too-large',
		reason: 'This call was made before. It is not run again, and its answer was too large to be kept',
	},
	readOnly: { error: 'error-read-only', reason: 'This server is read-only' },
	/* rooms and keys: test/contract/rocketchat-e2e.md section 4, and Roomkey's own */
	invalidRoom: { error: 'error-invalid-room', reason: 'Invalid room' },
	invalidKeyId: { error: 'error-invalid-key-id', reason: 'The key id must be 1 to 128 characters long' },
	keyIdExists: { error: 'error-room-e2e-key-already-exists', reason: 'E2E Key ID already exists' },
	keyIdMismatch: { error: 'error-key-id-mismatch', reason: 'This is not a key with the key id of the room' },
	invalidKey: { error: 'error-invalid-key', reason: 'A sealed key must be 1 to 4096 characters long, and not blank' },
	keyInUse: { error: 'error-key-in-use', reason: 'This key is already stored in another membership' },
	tooManyRooms: { error: 'error-too-many-rooms', reason: 'At most 500 rooms can be asked for at once' },
	invalidKeys: { error: 'error-invalid-keys', reason: 'Invalid keys' },
	keysAlreadySet: { error: 'error-keys-already-set', reason: 'Keys already set' },
	invalidUserId: { error: 'error-invalid-user-id', reason: 'Invalid user id' },
	subscriptionNotFound: { error: 'error-subscription-not-found', reason: 'Subscription not found' },
	noSuggestedKey: { error: 'error-no-suggested-key-available', reason: 'No suggested key available' },
	lastKeyHolder: {
		error: 'error-last-key-holder',
		reason: 'Nobody else holds the key of this room. If the key may be lost, repeat the call with confirm: true',
	},
	noRoomKey: { error: 'error-no-room-key', reason: 'You hold no key of this room' },
	notSupported: { error: 'error-not-supported', reason: 'Roomkey stores keys, not messages' },
	/* rooms and members: Rocket.Chat's codes */
	roomNotFound: {
		error: 'error-room-not-found',
		reason: 'The required "roomId" or "roomName" param provided does not match any room',
	},
	noRoomWithId: { error: 'error-room-not-found', reason: 'There is no room with this id' },
	roomParamNotProvided: {
		error: 'error-roomid-param-not-provided',
		reason: 'The parameter "roomId" or "roomName" is required',
	},
	usersParamsNotProvided: {
		error: 'error-users-params-not-provided',
		reason: 'Please provide "userId" or "username" or "userIds" or "usernames"',
	},
	tooManyUsers: { error: 'error-too-many-users', reason: 'One call can name 1,000 users at most' },
	invalidRoomName: {
		error: 'error-invalid-room-name',
		reason: 'The name of a room consists of 1 to 120 letters, digits, points, dashes and underscores',
	},
	duplicateRoomName: { error: 'error-duplicate-channel-name', reason: 'A room with that name exists' },
	userNotInRoom: { error: 'error-user-not-in-room', reason: 'User is not in this room' },
	lastOwner: {
		error: 'error-you-are-last-owner',
		reason: 'You are the last owner. Please set new owner before leaving the room.',
	},
	codeRequired: { error: 'error-code-required', reason: 'This room can only be joined with its code' },
	directRoomTooLarge: {
		error: 'error-direct-message-max-user-exceeded',
		reason: 'A direct room has 8 members at most',
	},
	privateRoomsEncrypted: {
		error: 'error-encrypted-private-rooms-enforced',
		reason: 'Workspace policy requires all private rooms to be encrypted.',
	},
	onlyPrivateEncrypted: {
		error: 'error-action-not-allowed',
		reason: 'Only groups or direct channels can enable encryption',
	},
	encryptionIsOff: { error: 'error-action-not-allowed', reason: 'Encryption is switched off on this server' },
	toggleNotAllowed: {
		error: 'error-action-not-allowed',
		reason: 'You do not have permission to toggle E2E encryption',
	},
	editingNotAllowed: { error: 'error-action-not-allowed', reason: 'Editing room is not allowed' },
	invalidRoomSettings: { error: 'error-invalid-settings', reason: 'Invalid settings provided' },
	invalidSince: {
		error: 'error-updatedSince-param-invalid',
		reason: 'The "updatedSince" query parameter must be a valid date.',
	},
	/* users: Rocket.Chat's codes and texts */
	addingUserNotAllowed: { error: 'error-action-not-allowed', reason: 'Adding user is not allowed' },
	editingUserNotAllowed: { error: 'error-action-not-allowed', reason: 'Editing user is not allowed' },
	assigningAdminNotAllowed: { error: 'error-action-not-allowed', reason: 'Assigning admin is not allowed' },
	bioTooLong: { error: 'error-bio-size-exceeded', reason: 'Bio size exceeds 260 characters' },
	nicknameTooLong: { error: 'error-nickname-size-exceeded', reason: 'Nickname size exceeds 120 characters' },
	invalidRole: { error: 'error-action-not-allowed', reason: 'The field Roles consist invalid role id' },
	lastAdmin: { error: 'error-action-not-allowed', reason: 'Leaving the app without admins is not allowed' },
	identityNotSaved: { error: 'error-could-not-save-identity', reason: 'Could not save user identity' },
	invalidPassword: { error: 'error-invalid-password', reason: 'Invalid password' },
	userParamNotProvided: {
		error: 'error-user-param-not-provided',
		reason: 'The required "userId" or "username" param was not provided',
	},
	userNotFound: {
		error: 'error-invalid-user',
		reason: 'The required "userId" or "username" param provided does not match any users',
	},
	userDeactivated: { error: 'error-action-not-allowed', reason: 'The user is deactivated' },
	noSuchToken: { error: 'error-invalid-token', reason: 'The user has no token with this id' },
	/* settings and permissions */
	noSuchSetting: { error: 'error-invalid-setting', reason: 'There is no such setting, or it cannot be changed here' },
	invalidSettingValue: { error: 'error-invalid-setting-value', reason: 'The value is not of the type of this setting' },
	editingSettingsNotAllowed: { error: 'error-action-not-allowed', reason: 'Editing settings is not allowed' },
	invalidPermission: { error: 'error-invalid-permission', reason: 'Invalid permission' },
	unknownRole: { error: 'error-invalid-role', reason: 'Invalid role' },
	/* missing permissions */
	permissionMissing: {
		error: 'error-unauthorized',
		reason: 'User does not have the permissions required for this action',
	},
	errorNotAllowed: { error: 'error-not-allowed', reason: 'Not allowed' },
});

/** Errors whose details do not name a method, as in Meteor and Rocket.Chat. */
export const otherErrors = table({
	/* calls */
	matchFailed: { error: 400, reason: 'Match failed' },
	internal: { error: 500, reason: 'Internal server error', transient: true },
	tooManyLargeAnswers: {
		error: 'too-many-requests',
		reason: 'Too many large answers are waiting to be read. Please read them and try again.',
		transient: true,
	},
	unavailable: {
		error: 503,
		reason: 'The database is not available at the moment. Please try again.',
		transient: true,
	},
	tooManyLogins: {
		error: 503,
		reason: 'Too many users log in at the moment. Please try again.',
		transient: true,
	},
	notAllowed: { error: 'not-allowed' },
	invalidEventName: { error: 'invalid-event-name' },
	timeout: { error: 'error-timeout', reason: 'This took too long and was aborted', transient: true },
	subscriptionTooLarge: {
		error: 'error-subscription-too-large',
		reason: 'The id and the parameters of a subscription can be at most 16,384 bytes long',
	},
	subscriptionsTooLarge: {
		error: 'error-subscriptions-too-large',
		reason: 'The total length of the parameters of all subscriptions on this connection is too large',
	},
	tooManySubscriptions: { error: 'error-too-many-subscriptions', reason: 'Too many subscriptions on this connection' },
	unreadableMessage: { error: 'error-invalid-params', reason: 'message must be the EJSON text of a method call' },
	otherMethodInPath: { error: 'error-invalid-params', reason: 'The path names another method than the message' },
	invalidIdempotencyKey: {
		error: 'error-invalid-idempotency-key',
		reason: 'Idempotency-Key must be 1 to 128 visible ASCII characters',
	},
	/* accounts: test/contract/ddp.md 16.3. The login texts do not distinguish causes, so that names cannot be guessed. */
	unrecognizedLogin: { error: 400, reason: 'Unrecognized options for login request' },
	loginFailed: { error: 403, reason: 'Something went wrong. Please check your credentials.' },
	loggedOut: { error: 403, reason: "You've been logged out by the server. Please log in again." },
	sessionExpired: { error: 403, reason: 'Your session has expired. Please log in again.' },
	mustBeLoggedIn: { error: 401, reason: 'Must be logged in' },
	notLoggedIn: { error: 'You are not logged in.' },
	signUpsForbidden: { error: 403, reason: 'Signups forbidden' },
	namelessUser: { error: 400, reason: 'Need to set a username or email' },
	/* second factor: test/contract/rocketchat-e2e.md 7.5 */
	totpRequired: { error: 'totp-required', reason: 'TOTP Required', transient: true },
	totpInvalid: { error: 'totp-invalid', reason: 'TOTP Invalid', transient: true },
	totpMaxAttempts: {
		error: 'totp-max-attempts',
		reason: 'Too many wrong codes were tried: the mailed code is not valid any more, request a new one',
		transient: true,
	},
	federatedUser: { error: 'error-not-allowed', reason: 'Federated Users cant have TOTP' },
	/* rooms and keys: test/contract/rocketchat-e2e.md section 4, and Roomkey's own */
	resetInProgress: { error: 'error-e2e-key-reset-in-progress', bare: true, transient: true },
	resetFailed: { error: 'error-e2e-key-reset-failed', bare: true, transient: true },
	resetAccessMissing: { error: 'error-not-allowed', bare: true },
	resetPermissionMissing: { error: 'error-not-allowed', bare: true, status: 403 },
	/* rooms and members: Rocket.Chat's codes */
	encryptedMissing: { error: 'The bodyParam "encrypted" is required', bare: true },
	/* users: Rocket.Chat's codes and texts */
	noSuchUser: { error: 'User not found.', bare: true },
	userIsLastOwner: { error: 'user-last-owner' },
	namelessCaller: { error: 'error-unauthorized', reason: 'Users must have a username' },
	/* permissions */
	unauthorized: { error: 'unauthorized', bare: true },
});

interface ValueErrorRow {
	readonly error: string;
	reason(value: string): string;
}

function valueTable<Name extends string>(rows: Record<Name, ValueErrorRow>): Readonly<Record<Name, ValueErrorRow>> {
	return rows;
}

/** Errors of methods whose text contains a value. */
export const valueErrors = valueTable({
	unknownField: { error: 'invalid-params', reason: (field) => `The field "${field}" is not known here` },
	fieldRequired: { error: 'error-the-field-is-required', reason: (field) => `The field ${field} is required` },
	fieldUnavailable: { error: 'error-field-unavailable', reason: (value) => `${value} is already in use :(` },
	invalidUsername: { error: 'error-input-is-not-a-valid-field', reason: (value) => `${value} is not a valid username` },
	blockedUsername: { error: 'error-blocked-username', reason: (value) => `${value} is blocked and can't be used!` },
	invalidEmail: { error: 'error-invalid-email', reason: (value) => `Invalid email ${value}` },
});
