/**
 * What can be refused, and what a client may see of it (`contract/ddp.md` section 8, `contract/check.md` section 2).
 */

/** An error meant for the client: its code, reason and details leave the server as they are. */
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
		super(reason ? `${reason} [${error}]` : `[${error}]`);
	}
}

/** One that REST shows as its code and nothing else, as Rocket.Chat's endpoints do where no method stands behind them. */
export class BareError extends ClientError {}

interface Refusal {
	readonly error: string | number;
	/** True: a `BareError`. */
	readonly bare?: boolean;
	/** Absent where the code itself is the sentence, as in some of Meteor's. */
	readonly reason?: string;
}

/** Every refusal Roomkey itself makes. Code elsewhere names an entry, so that one text is written once. */
const refusals = {
	/* calls */
	matchFailed: { error: 400, reason: 'Match failed' },
	internal: { error: 500, reason: 'Internal server error' },
	invalidUser: { error: 'error-invalid-user', reason: 'Invalid user' },
	notAllowed: { error: 'not-allowed' },
	invalidEventName: { error: 'invalid-event-name' },
	timeout: { error: 'error-timeout', reason: 'This took too long and was given up' },
	tooManySubscriptions: { error: 'error-too-many-subscriptions', reason: 'Too many subscriptions on this connection' },
	unreadableMessage: { error: 'error-invalid-params', reason: 'message must be the EJSON text of a method call' },
	otherMethodInPath: { error: 'error-invalid-params', reason: 'The path names another method than the message' },
	invalidIdempotencyKey: {
		error: 'error-invalid-idempotency-key',
		reason: 'Idempotency-Key must be 1 to 128 visible ASCII characters',
	},
	idempotencyMismatch: {
		error: 'error-idempotency-mismatch',
		reason: 'This call was made before with other arguments',
	},
	/* accounts: contract/ddp.md 16.3. The login texts are the ambiguous ones, so that names cannot be guessed. */
	unrecognizedLogin: { error: 400, reason: 'Unrecognized options for login request' },
	loginFailed: { error: 403, reason: 'Something went wrong. Please check your credentials.' },
	loggedOut: { error: 403, reason: "You've been logged out by the server. Please log in again." },
	sessionExpired: { error: 403, reason: 'Your session has expired. Please log in again.' },
	mustBeLoggedIn: { error: 401, reason: 'Must be logged in' },
	notLoggedIn: { error: 'You are not logged in.' },
	signUpsForbidden: { error: 403, reason: 'Signups forbidden' },
	namelessUser: { error: 400, reason: 'Need to set a username or email' },
	/* rooms and keys: contract/rocketchat-e2e.md section 4 */
	invalidRoom: { error: 'error-invalid-room', reason: 'Invalid room' },
	invalidKeyId: { error: 'error-invalid-key-id', reason: 'The key id must be 1 to 128 characters long' },
	keyIdExists: { error: 'error-room-e2e-key-already-exists', reason: 'E2E Key ID already exists' },
	keyIdMismatch: { error: 'error-key-id-mismatch', reason: 'This is not a key with the key id of the room' },
	invalidKeys: { error: 'error-invalid-keys', reason: 'Invalid keys' },
	keysAlreadySet: { error: 'error-keys-already-set', reason: 'Keys already set' },
	subscriptionNotFound: { error: 'error-subscription-not-found', reason: 'Subscription not found' },
	noSuggestedKey: { error: 'error-no-suggested-key-available', reason: 'No suggested key available' },
	lastKeyHolder: {
		error: 'error-last-key-holder',
		reason: 'Nobody else holds the key of this room: confirm with confirm: true that it may be lost',
	},
	resetInProgress: { error: 'error-e2e-key-reset-in-progress', bare: true },
	resetFailed: { error: 'error-e2e-key-reset-failed', bare: true },
	resetNotAllowed: { error: 'error-not-allowed', bare: true },
	/* what a role allows */
	unauthorized: { error: 'unauthorized', bare: true },
	actionNotAllowed: { error: 'error-not-allowed', reason: 'Not allowed' },
} satisfies Record<string, Refusal>;

/** Makes the client-safe error of that name in the table of refusals. */
export function refusal(name: keyof typeof refusals, details?: unknown): ClientError {
	const { error, reason, bare }: Refusal = refusals[name];
	return bare ? new BareError(error, reason, details) : new ClientError(error, reason, details);
}

/**
 * The refusal of whoever calls too often (`contract/ddp.md` section 14).
 * @param timeToReset how long they have to wait, in ms
 */
export function tooManyRequests(timeToReset: number): ClientError {
	const seconds = Math.ceil(timeToReset / 1000);
	return new ClientError(
		'too-many-requests',
		`Error, too many requests. Please slow down. You must wait ${seconds} seconds before trying again.`,
		{ timeToReset },
	);
}

/** The 404 of an unknown method or subscription (`contract/ddp.md` section 8). */
export function notFound(kind: 'Method' | 'Subscription', name: string): ClientError {
	return new ClientError(404, `${kind} '${name}' not found`);
}

/** Thrown by `check`: says what was expected where. Only REST shows the text to the caller; DDP sends `sanitizedError`. */
export class MatchError extends Error {
	readonly path: string;
	readonly sanitizedError: ClientError;
	readonly errorType = 'Match.Error';

	/**
	 * @param text what was wrong, without prefix
	 * @param path where, such as `a[0].b`; `""` for the value itself
	 */
	constructor(text: string, path = '') {
		super();
		this.message = `Match error: ${text}${path === '' ? '' : ` in field ${path}`}`;
		this.path = path;
		this.sanitizedError = refusal('matchFailed');
		// Meteor's match error shows its message among its own enumerable keys (contract/check.md section 2).
		Object.defineProperty(this, 'message', { enumerable: true });
	}
}

/** Whether something thrown says of itself that clients may see it. */
export function isClientSafe(value: unknown): value is ClientError {
	return typeof value === 'object' && value !== null && (value as ClientError).isClientSafe === true;
}

/**
 * Turns whatever was thrown into the one thing a client may see. This is the only place that decides it: a second one
 * would sooner or later let a stack, a driver's message or a secret through.
 */
export function toClientError(thrown: unknown): ClientError {
	const safe = isClientSafe(thrown)
		? thrown
		: (thrown as { sanitizedError?: unknown } | null | undefined)?.sanitizedError;
	if (!isClientSafe(safe)) return refusal('internal');
	return safe instanceof ClientError
		? safe
		: new ClientError((safe as ClientError).error, (safe as ClientError).reason, (safe as ClientError).details);
}
