/**
 * All client-safe errors, and the conversion of other errors for clients (`test/contract/ddp.md` section 8,
 * `test/contract/check.md` section 2).
 */

/** An error meant for the client: its code, reason and details are sent unchanged. */
export class ClientError extends Error {
	readonly isClientSafe = true;
	readonly errorType = 'Meteor.Error';

	/**
	 * @param error code that programs test for
	 * @param reason sentence a person can act on
	 * @param details plain JSON for programs
	 */
	constructor(
		readonly error: string | number,
		readonly reason?: string,
		readonly details?: unknown,
	) {
		// The error describes the client's mistake, so it needs no stack trace, which is slow to capture.
		const { stackTraceLimit } = Error;
		Error.stackTraceLimit = 0;
		super(reason ? `${reason} [${error}]` : `[${error}]`);
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** An error that REST shows as its code alone, as Rocket.Chat does at endpoints without a method. */
export class BareError extends ClientError {
	/** The HTTP status, where the code has no fixed one. */
	declare readonly status?: number | undefined;

	constructor(error: string | number, reason?: string, details?: unknown, status?: number) {
		super(error, reason, details);
		// Only set if given, because an own property is compared and serialized.
		if (status !== undefined) Object.defineProperty(this, 'status', { value: status });
	}
}

interface Refusal {
	readonly error: string | number;
	/** True: a `BareError`. */
	readonly bare?: boolean;
	/** HTTP status of a `BareError` whose code has no fixed one. */
	readonly status?: number;
	/** Absent if the code is also the text, as in some of Meteor's errors. */
	readonly reason?: string;
	/** True: the same call may succeed later, see `isTransient`. */
	readonly transient?: boolean;
}

/** Every client error of Roomkey, by name, so that each text is defined in one place. */
const refusals = {
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
	invalidUser: { error: 'error-invalid-user', reason: 'Invalid user' },
	notAllowed: { error: 'not-allowed' },
	invalidEventName: { error: 'invalid-event-name' },
	timeout: { error: 'error-timeout', reason: 'This took too long and was given up', transient: true },
	subscriptionTooLarge: {
		error: 'error-subscription-too-large',
		reason: 'The id and the parameters of a subscription can be 16,384 bytes long',
	},
	subscriptionsTooLarge: {
		error: 'error-subscriptions-too-large',
		reason: 'The parameters of the subscriptions on this connection are too long together',
	},
	tooManySubscriptions: { error: 'error-too-many-subscriptions', reason: 'Too many subscriptions on this connection' },
	unreadableMessage: { error: 'error-invalid-params', reason: 'message must be the EJSON text of a method call' },
	filterNotSupported: {
		error: 'error-invalid-params',
		reason: 'The parameter "query" is not supported: what is listed cannot be filtered by it',
	},
	otherMethodInPath: { error: 'error-invalid-params', reason: 'The path names another method than the message' },
	invalidIdempotencyKey: {
		error: 'error-invalid-idempotency-key',
		reason: 'Idempotency-Key must be 1 to 128 visible ASCII characters',
	},
	idempotencyMismatch: {
		error: 'error-idempotency-mismatch',
		reason: 'This call was made before with other arguments',
	},
	/* accounts: test/contract/ddp.md 16.3. The login texts do not distinguish causes, so that names cannot be guessed. */
	unrecognizedLogin: { error: 400, reason: 'Unrecognized options for login request' },
	loginFailed: { error: 403, reason: 'Something went wrong. Please check your credentials.' },
	loggedOut: { error: 403, reason: "You've been logged out by the server. Please log in again." },
	sessionExpired: { error: 403, reason: 'Your session has expired. Please log in again.' },
	mustBeLoggedIn: { error: 401, reason: 'Must be logged in' },
	notLoggedIn: { error: 'You are not logged in.' },
	/* second factor: test/contract/rocketchat-e2e.md 7.5 */
	totpRequired: { error: 'totp-required', reason: 'TOTP Required', transient: true },
	totpInvalid: { error: 'totp-invalid', reason: 'TOTP Invalid', transient: true },
	totpMaxAttempts: {
		error: 'totp-max-attempts',
		reason: 'Too many wrong codes were tried: this one is good no more, ask for another',
		transient: true,
	},
	signUpsForbidden: { error: 403, reason: 'Signups forbidden' },
	namelessUser: { error: 400, reason: 'Need to set a username or email' },
	/* rooms and keys: test/contract/rocketchat-e2e.md section 4 */
	invalidRoom: { error: 'error-invalid-room', reason: 'Invalid room' },
	invalidKeyId: { error: 'error-invalid-key-id', reason: 'The key id must be 1 to 128 characters long' },
	keyIdExists: { error: 'error-room-e2e-key-already-exists', reason: 'E2E Key ID already exists' },
	keyIdMismatch: { error: 'error-key-id-mismatch', reason: 'This is not a key with the key id of the room' },
	invalidKey: { error: 'error-invalid-key', reason: 'A sealed key must be 1 to 4096 characters long, and not blank' },
	keyInUse: { error: 'error-key-in-use', reason: 'This very key is stored in another place already' },
	tooManyRooms: { error: 'error-too-many-rooms', reason: 'At most 500 rooms can be asked for at once' },
	invalidKeys: { error: 'error-invalid-keys', reason: 'Invalid keys' },
	keysAlreadySet: { error: 'error-keys-already-set', reason: 'Keys already set' },
	federatedUser: { error: 'error-not-allowed', reason: 'Federated Users cant have TOTP' },
	invalidUserId: { error: 'error-invalid-user-id', reason: 'Invalid user id' },
	subscriptionNotFound: { error: 'error-subscription-not-found', reason: 'Subscription not found' },
	noSuggestedKey: { error: 'error-no-suggested-key-available', reason: 'No suggested key available' },
	lastKeyHolder: {
		error: 'error-last-key-holder',
		reason: 'Nobody else holds the key of this room: confirm with confirm: true that it may be lost',
	},
	resetInProgress: { error: 'error-e2e-key-reset-in-progress', bare: true, transient: true },
	resetFailed: { error: 'error-e2e-key-reset-failed', bare: true, transient: true },
	resetNotAllowed: { error: 'error-not-allowed', bare: true },
	resetForbidden: { error: 'error-not-allowed', bare: true, status: 403 },
	noRoomKey: { error: 'error-no-room-key', reason: 'You hold no key of this room' },
	notSupported: { error: 'error-not-supported', reason: 'Roomkey keeps keys, not messages' },
	/* rooms and members: Rocket.Chat's codes */
	roomNotFound: {
		error: 'error-room-not-found',
		reason: 'The required "roomId" or "roomName" param provided does not match any room',
	},
	roomParamMissing: {
		error: 'error-roomid-param-not-provided',
		reason: 'The parameter "roomId" or "roomName" is required',
	},
	userParamMissing: {
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
	encryptedMissing: { error: 'The bodyParam "encrypted" is required', bare: true },
	invalidSince: {
		error: 'error-updatedSince-param-invalid',
		reason: 'The "updatedSince" query parameter must be a valid date.',
	},
	/* people: names and texts as Rocket.Chat's */
	addingUserNotAllowed: { error: 'error-action-not-allowed', reason: 'Adding user is not allowed' },
	editingUserNotAllowed: { error: 'error-action-not-allowed', reason: 'Editing user is not allowed' },
	assigningAdminNotAllowed: { error: 'error-action-not-allowed', reason: 'Assigning admin is not allowed' },
	bioTooLong: { error: 'error-bio-size-exceeded', reason: 'Bio size exceeds 260 characters' },
	nicknameTooLong: { error: 'error-nickname-size-exceeded', reason: 'Nickname size exceeds 120 characters' },
	invalidRole: { error: 'error-action-not-allowed', reason: 'The field Roles consist invalid role id' },
	lastAdmin: { error: 'error-action-not-allowed', reason: 'Leaving the app without admins is not allowed' },
	identityNotSaved: { error: 'error-could-not-save-identity', reason: 'Could not save user identity' },
	invalidPassword: { error: 'error-invalid-password', reason: 'Invalid password' },
	userNotNamed: {
		error: 'error-user-param-not-provided',
		reason: 'The required "userId" or "username" param was not provided',
	},
	userNotFound: {
		error: 'error-invalid-user',
		reason: 'The required "userId" or "username" param provided does not match any users',
	},
	noSuchUser: { error: 'User not found.', bare: true },
	userIsLastOwner: { error: 'user-last-owner' },
	namelessCaller: { error: 'error-unauthorized', reason: 'Users must have a username' },
	/* settings and permissions */
	noSuchSetting: { error: 'error-invalid-setting', reason: 'This is no setting that can be changed here' },
	invalidSettingValue: { error: 'error-invalid-setting-value', reason: 'The value is not of the type of this setting' },
	editingSettingsNotAllowed: { error: 'error-action-not-allowed', reason: 'Editing settings is not allowed' },
	invalidPermission: { error: 'error-invalid-permission', reason: 'Invalid permission' },
	unknownRole: { error: 'error-invalid-role', reason: 'Invalid role' },
	/* what a role allows */
	permissionMissing: {
		error: 'error-unauthorized',
		reason: 'User does not have the permissions required for this action',
	},
	unauthorized: { error: 'unauthorized', bare: true },
	actionNotAllowed: { error: 'error-not-allowed', reason: 'Not allowed' },
} satisfies Record<string, Refusal>;

export type RefusalName = keyof typeof refusals;

/** Makes the client-safe error of that name in the table of refusals. */
export function clientError(name: RefusalName, details?: unknown): ClientError {
	const { error, reason, bare, status }: Refusal = refusals[name];
	return bare ? new BareError(error, reason, details, status) : new ClientError(error, reason, details);
}

/** Errors whose text contains a value. */
const refusalsOf = {
	unknownField: { error: 'invalid-params', reason: (field) => `The field "${field}" is not known here` },
	fieldRequired: { error: 'error-the-field-is-required', reason: (field) => `The field ${field} is required` },
	fieldUnavailable: { error: 'error-field-unavailable', reason: (value) => `${value} is already in use :(` },
	invalidUsername: { error: 'error-input-is-not-a-valid-field', reason: (value) => `${value} is not a valid username` },
	blockedUsername: { error: 'error-blocked-username', reason: (value) => `${value} is blocked and can't be used!` },
	invalidEmail: { error: 'error-invalid-email', reason: (value) => `Invalid email ${value}` },
} satisfies Record<string, { error: string; reason(value: string): string }>;

/** Makes the client-safe error of that name for a value. */
export function clientErrorFrom(name: keyof typeof refusalsOf, value: string, details?: unknown): ClientError {
	const { error, reason } = refusalsOf[name];
	return new ClientError(error, reason(value), details);
}

/** Every error in the two tables, for the documentation. The value in a text is shown as `…`. */
export function knownErrors(): { readonly error: string | number; readonly reason: string }[] {
	return [
		...Object.values<Refusal>(refusals).map(({ error, reason = '' }) => ({ error, reason })),
		...Object.values(refusalsOf).map(({ error, reason }) => ({ error, reason: reason('…') })),
		{
			error: TOO_MANY_REQUESTS,
			reason: 'Error, too many requests. Please slow down. You must wait … seconds before trying again.',
		},
	];
}

const TOO_MANY_REQUESTS = 'too-many-requests';

/** Seconds after which to try again while the database is not available. */
const RETRY_UNAVAILABLE_S = 5;

const transientCodes: ReadonlySet<unknown> = new Set([
	TOO_MANY_REQUESTS,
	...Object.values<Refusal>(refusals).flatMap(({ error, transient }) => (transient ? [error] : [])),
]);

/**
 * Whether the same call may succeed later: after a server error, a rate limit, or with a different second factor code,
 * which is not one of the arguments.
 */
export function isTransient({ error }: ClientError): boolean {
	return transientCodes.has(error);
}

/**
 * The refusal of a call over a rate limit (`test/contract/ddp.md` section 14).
 * @param timeToReset time to wait, in ms
 * @param reason text in place of the usual sentence
 */
export function tooManyRequests(timeToReset: number, reason?: string): ClientError {
	const seconds = Math.ceil(timeToReset / 1000);
	return new ClientError(
		TOO_MANY_REQUESTS,
		reason ?? `Error, too many requests. Please slow down. You must wait ${seconds} seconds before trying again.`,
		{ timeToReset },
	);
}

/** Seconds after which it makes sense to repeat a refused call; undefined if unknown. */
export function retryAfter({ error, details }: ClientError): number | undefined {
	if (error === 503) return RETRY_UNAVAILABLE_S;
	const timeToReset = error === TOO_MANY_REQUESTS && (details as { timeToReset?: unknown } | undefined)?.timeToReset;
	return typeof timeToReset === 'number' ? Math.ceil(timeToReset / 1000) : undefined;
}

/** The store does not answer or can no longer be written. Its message is for the log: clients receive `unavailable`. */
export class StoreUnavailableError extends Error {}

/** The 404 of an unknown method or subscription (`test/contract/ddp.md` section 8). */
export function notFound(kind: 'Method' | 'Subscription', name: string): ClientError {
	return new ClientError(404, `${kind} '${name}' not found`);
}

/**
 * Thrown by `check`: states the expected value and the path. Only REST shows the text to the caller; DDP sends
 * `sanitizedError`.
 */
export class MatchError extends Error {
	readonly path: string;
	readonly sanitizedError: ClientError;
	readonly errorType = 'Match.Error';

	/**
	 * @param text description of the fault, without prefix
	 * @param path path of the value, such as `a[0].b`; `""` for the value itself
	 */
	constructor(text: string, path = '') {
		super();
		this.message = `Match error: ${text}${path === '' ? '' : ` in field ${path}`}`;
		this.path = path;
		this.sanitizedError = clientError('matchFailed');
		// Meteor's match error shows its message among its own enumerable keys (test/contract/check.md section 2).
		Object.defineProperty(this, 'message', { enumerable: true });
	}
}

/** Thrown where an argument does not match its pattern. Names the argument, for the log. */
export class ArgumentError extends MatchError {
	readonly #argument: string;

	constructor(argument: string, text: string, path: string) {
		super(text, path);
		this.#argument = argument;
	}

	get argument(): string {
		return this.#argument;
	}
}

/** Whether a thrown value is an error that clients may see. */
export function isClientSafe(value: unknown): value is ClientError {
	return typeof value === 'object' && value !== null && (value as ClientError).isClientSafe === true;
}

/**
 * Converts any thrown value to the error that a client receives. This is the only conversion, so that no stack, driver
 * message or secret reaches a client.
 */
export function toClientError(thrown: unknown): ClientError {
	if (thrown instanceof StoreUnavailableError) return clientError('unavailable');
	const safe = isClientSafe(thrown)
		? thrown
		: (thrown as { sanitizedError?: unknown } | null | undefined)?.sanitizedError;
	if (!isClientSafe(safe)) return clientError('internal');
	return safe instanceof ClientError
		? safe
		: new ClientError((safe as ClientError).error, (safe as ClientError).reason, (safe as ClientError).details);
}
