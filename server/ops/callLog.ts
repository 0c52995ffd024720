/**
 * Logs calls, logins, wrong tokens, revoked tokens and refused connections. Of arguments and results it logs only ids and the kind of a
 * login. The rest may contain secrets.
 */
import { findByLoginName } from '../../methods/model/users/findUser.js';
import type { User } from '../../shared/documents.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import type { Bus } from '../cluster/bus.js';
import { factsOf } from '../core/caller.js';
import { type EndedCall, NO_OBSERVER, type ServerObserver, type WrongToken } from '../core/observer.js';
import { LineLimit } from './lineLimit.js';

/** Names of arguments, and of fields in arguments that are objects, that contain the id of a room or a user. */
const SUBJECTS: ReadonlySet<string> = new Set(['rid', 'roomId', 'uid', 'userId']);

/** The form of ids. A value in another form is not logged. */
const ID = /^[\w.-]{1,64}$/;

function subjectsOf({ definition, params }: EndedCall): Record<string, string> {
	const found: Record<string, string> = {};
	const addId = (name: string, value: unknown) => {
		if (SUBJECTS.has(name) && typeof value === 'string' && ID.test(value)) found[name] = value;
	};
	for (const [i, [name]] of (definition?.args ?? []).entries()) {
		const value = params[i];
		addId(name, value);
		if (typeof value !== 'object' || value === null) continue;
		for (const field of SUBJECTS) if (Object.hasOwn(value, field)) addId(field, (value as never)[field]);
	}
	return found;
}

/** The unchecked options of a login. */
interface LoginOptions {
	readonly user?: { readonly id?: unknown; readonly username?: unknown; readonly email?: unknown };
	readonly resume?: unknown;
	readonly password?: unknown;
	readonly totp?: { readonly login?: LoginOptions };
}

/** `token`, `password`, or the name of the login handler that logged the user in. */
function credentialOf({ params: [options], result }: EndedCall): string | undefined {
	const { totp, ...own } = (options ?? {}) as LoginOptions;
	const { resume, password } = totp?.login ?? own;
	if (resume) return 'token';
	if (password) return 'password';
	const { type } = (result ?? {}) as { type?: unknown };
	return typeof type === 'string' ? type : undefined;
}

const attemptedFacts = (user: Pick<User, '_id' | 'username'> | null | undefined) =>
	user && { attemptedUserId: user._id, attemptedUsername: user.username };

const ATTEMPTED_FIELDS = { username: 1 } as const;

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

/**
 * Finds the user whom a failed login was for. The typed name is not logged: people type passwords into the wrong field.
 */
async function findAttemptedUser(store: Store, [options]: readonly unknown[]): Promise<User | null> {
	const { user, totp } = (options ?? {}) as LoginOptions;
	const { id, username, email } = user ?? totp?.login?.user ?? {};
	return findByLoginName(store, { id: textOf(id), username: textOf(username), email: textOf(email) }, ATTEMPTED_FIELDS);
}

/** The id of the user who has logged in. */
function userOf(result: unknown): string | undefined {
	const { id } = (result ?? {}) as { id?: unknown };
	return typeof id === 'string' ? id : undefined;
}

/** Logs at `info` that tokens of a user were revoked. @returns a function that ends the logging */
export function logRevokedTokens(bus: Bus, log: Log): () => void {
	return bus.on('tokens-removed', ({ userId, hashedTokens }, by) => {
		log.info(
			{ audit: true, ...by?.facts(), about: { userId }, tokens: hashedTokens.length },
			'Login tokens were revoked',
		);
	});
}

/**
 * Logs audited calls, wrong tokens and refused connections at `info`, and all other calls at `debug`.
 * @param isShadow whether calls are replays of mirrored requests
 */
export function createCallLog(log: Log, store: Store, isShadow = false): ServerObserver {
	const auditMark = { audit: true, ...(isShadow && { shadow: true }) };
	const auditText = isShadow ? 'Audit of a mirrored request, whose writes were discarded' : 'Audit';

	function writeCall(call: EndedCall, extraFacts: object): void {
		const { method, caller, outcome, ms, thrown, definition } = call;
		const isAudit = definition?.audit === true;
		const facts = {
			...(isAudit && auditMark),
			method,
			outcome,
			...(thrown && 'error' in thrown && { code: thrown.error }),
			ms: Math.round(ms * 10) / 10,
			...factsOf(caller),
			...(isAudit && { about: { ...subjectsOf(call), ...call.about } }),
			...extraFacts,
		};
		if (isAudit) log.info(facts, auditText);
		else log.debug(facts, 'Call');
	}

	const refusedConnections = new LineLimit((leftOut) =>
		log.info({ leftOut }, 'Refused connections not logged one by one'),
	);
	const wrongTokens = new LineLimit((leftOut) =>
		log.info({ audit: true, leftOut }, 'Wrong tokens not logged one by one'),
	);

	async function writeWrongToken({ claimedUserId, reason, ...facts }: WrongToken): Promise<void> {
		// The id that a client sends is logged only if a user has it.
		const user = await store.users.findOne({ _id: claimedUserId }, { projection: ATTEMPTED_FIELDS }).catch(() => null);
		const attempted = attemptedFacts(user);
		log.info({ audit: true, outcome: 'refused', reason, transport: 'rest', ...facts, ...attempted }, 'Wrong token');
	}

	const isLevelLogged = (level: string) =>
		(log as { isLevelEnabled?(level: string): boolean }).isLevelEnabled?.(level) ?? true;

	function writeLogin(ended: EndedCall): void {
		// `login` reports the name of the user who has logged in. It is logged beside `userId`, not in `about`.
		const { username, ...about } = ended.about ?? {};
		const call = { ...ended, about };
		const facts = { credential: credentialOf(call) };
		if (call.outcome === 'ok') writeCall(call, { userId: userOf(call.result), username, ...facts });
		// A login beyond a limit must stay cheap, so no user is looked up.
		else if (call.outcome === 'limited') writeCall(call, facts);
		else
			void findAttemptedUser(store, call.params).then(
				(user) => writeCall(call, { ...attemptedFacts(user), ...facts }),
				() => writeCall(call, facts),
			);
	}

	return {
		...NO_OBSERVER,
		observeCalls(method, definition) {
			if (!isLevelLogged(definition?.audit ? 'info' : 'debug')) return {};
			return { onCall: method === 'login' ? writeLogin : (call) => writeCall(call, {}) };
		},
		onConnectionRefused(reason, clientAddress) {
			if (refusedConnections.allows(clientAddress)) log.info({ reason, clientAddress }, 'A connection was refused');
		},
		onWrongToken(attempt) {
			if (wrongTokens.allows(attempt.clientAddress)) void writeWrongToken(attempt);
		},
	};
}
