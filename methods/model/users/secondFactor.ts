/**
 * The second factor (`test/contract/rocketchat-e2e.md` 7.5). Roomkey requires it of the same users as Rocket.Chat,
 * because both accept the same tokens.
 */

import type { User } from '../../../shared/documents.js';
import { type ClientError, clientError } from '../../../shared/errors.js';
import type { MethodContext, SecondFactor } from '../../../shared/method.js';
import { type FactorSettings, factorSettings } from '../settings/factors.js';
import { useEmailCode, type Verdict, validCodesOf } from './emailCodes.js';
import { isPasswordDigest } from './passwords.js';
import { loginTokensOf } from './tokenLookup.js';

const FACTOR_FIELDS = {
	'emails.verified': 1,
	'services.password.bcrypt': 1,
	'services.totp.enabled': 1,
	'services.totp.secret': 1,
	'services.email2fa.enabled': 1,
	'services.emailCode': 1,
	'services.resume.loginTokens.hashedToken': 1,
	'services.resume.loginTokens.bypassTwoFactor': 1,
} as const;

/** The kinds of proof. `totp`: a code of an authenticator app, or a backup code. */
export type FactorName = 'totp' | 'email' | 'password';

/**
 * Thrown if a code is missing. Within `context.attempt` it leaves the count of failures unchanged. A client error would
 * count as a failure, and no error as a success.
 */
class CodeMissing extends Error {
	constructor(readonly error: ClientError) {
		super(error.message);
	}
}

async function unwrapCodeMissing<T>(outcome: Promise<T>): Promise<T> {
	try {
		return await outcome;
	} catch (thrown) {
		throw thrown instanceof CodeMissing ? thrown.error : thrown;
	}
}

/**
 * Limits failed attempts of a password with a second factor. A correct password without a code leaves the failure
 * counter unchanged.
 * @param key the key that the attempt is counted under
 */
export function attemptWithFactor<T>(context: MethodContext, key: string, run: () => Promise<T>): Promise<T> {
	return unwrapCodeMissing(context.attempt(key, run));
}

/** The factors that the user has set up and the settings allow, the preferred one first. */
function availableFactors({ emails, services }: User, { byTotp, byEmail }: FactorSettings): FactorName[] {
	const names: FactorName[] = [];
	if (byTotp && services?.totp?.enabled === true) names.push('totp');
	const hasMail = emails?.some(({ verified }) => verified);
	if (byEmail && services?.email2fa?.enabled === true && hasMail) names.push('email');
	return names;
}

/** Personal access tokens can bypass second factors. */
function hasBypassToken(user: User, hashedToken: string | null): boolean {
	const token = loginTokensOf(user).find((entry) => entry.hashedToken === hashedToken);
	return token?.bypassTwoFactor === true;
}

/** For `password`, the code is the SHA-256 of the password. A right code of an app or a mail is used up. */
async function tryCode(
	{ store }: MethodContext,
	user: User,
	factor: FactorName,
	code: string,
	settings: FactorSettings,
): Promise<Verdict> {
	const { totp = {}, emailCode, password } = user.services ?? {};
	const toVerdict = (isRight: boolean): Verdict => (isRight ? 'right' : 'wrong');
	if (factor === 'totp') {
		const { useTotpCode } = await import('./totp.js');
		return toVerdict(await useTotpCode(store, user._id, totp, code, settings.maxDelta));
	}
	if (factor === 'email') return useEmailCode(store, user._id, emailCode, code, settings.maxEmailAttempts);
	return toVerdict(await isPasswordDigest(code, password?.bcrypt));
}

/** Codes are counted separately from passwords, so that a correct password does not reset the count of wrong codes. */
function attemptKeyOf(factor: FactorName, userId: string): string {
	return factor === 'password' ? userId : `second factor of ${userId}`;
}

interface FactorRequest {
	readonly sent: SecondFactor | null;
	/** Hash of the caller's token, which may bypass second factors. */
	readonly hashedToken: string | null;
	/**
	 * Whether users without a second factor must prove their password. `bySettings`: if a setting requires it. `always`:
	 * also if second factors are switched off.
	 */
	readonly askPassword: 'never' | 'bySettings' | 'always';
}

/** The proof that a user must give; undefined if none is required. */
function chooseFactor(
	available: readonly FactorName[],
	{ services }: User,
	{ sent, askPassword }: FactorRequest,
	{ passwordFallback = false }: FactorSettings,
): FactorName | undefined {
	const factor = available.find((name) => name === sent?.method) ?? available[0];
	if (factor) return factor;
	const needsPassword = askPassword === 'always' || (askPassword === 'bySettings' && passwordFallback);
	const hasPassword = services?.password?.bcrypt !== undefined;
	return needsPassword && hasPassword ? 'password' : undefined;
}

/**
 * Checks the proof that the settings and the request require.
 * @returns the kind of proof; null if none was required
 * @throws CodeMissing if a code is required and missing; ClientError if the code is wrong
 */
async function requireFactor(
	context: MethodContext,
	userId: string,
	request: FactorRequest,
): Promise<FactorName | null> {
	const { sent, hashedToken, askPassword } = request;
	const settings = await factorSettings(context.store);
	if (!settings.enabled && askPassword !== 'always') return null;
	const user = await context.store.users.findOne({ _id: userId }, { projection: FACTOR_FIELDS });
	if (!user) throw clientError('invalidUser');
	if (hasBypassToken(user, hashedToken)) return null;
	const available = settings.enabled ? availableFactors(user, settings) : [];
	const factor = chooseFactor(available, user, request, settings);
	if (!factor) return null;
	const [mailedCode] = factor === 'email' ? validCodesOf(user.services?.emailCode) : [];
	const details = {
		method: factor,
		codeGenerated: false,
		...(mailedCode && { codeExpires: mailedCode.expire.toISOString() }),
		availableMethods: available,
	};
	if (!sent?.code) throw new CodeMissing(clientError('totpRequired', details));
	await context.attempt(attemptKeyOf(factor, userId), async () => {
		const verdict = await tryCode(context, user, factor, sent.code, settings);
		if (verdict !== 'right') throw clientError(verdict === 'wrong' ? 'totpInvalid' : 'totpMaxAttempts', details);
	});
	return factor;
}

/**
 * Checks the proof that came with this call. Must not be called within `attemptWithFactor`, where a missing code would
 * count as a wrong guess.
 */
function requireFactorOfCall(
	context: MethodContext,
	userId: string,
	askPassword: FactorRequest['askPassword'],
): Promise<FactorName | null> {
	const { secondFactor: sent, hashedToken } = context;
	return unwrapCodeMissing(requireFactor(context, userId, { sent, hashedToken, askPassword }));
}

/**
 * Requires the caller's second factor. Without one, requires the password if a setting says so. Requires nothing if
 * second factors are switched off.
 * @throws ClientError `totp-required`; `totp-invalid`; `totp-max-attempts` after too many wrong codes for one mail;
 * `too-many-requests` after too many failed attempts
 */
export async function requireProofIfConfigured(context: MethodContext): Promise<void> {
	if (context.userId === null) throw clientError('invalidUser');
	await requireFactorOfCall(context, context.userId, 'bySettings');
}

/**
 * Requires the caller's second factor. Without one, or if second factors are switched off, requires the password.
 * @returns the kind of proof; null for a user who has neither, and for a token that bypasses second factors
 * @throws ClientError as `requireProofIfConfigured` does
 */
export async function requireProof(context: MethodContext): Promise<FactorName | null> {
	if (context.userId === null) throw clientError('invalidUser');
	return requireFactorOfCall(context, context.userId, 'always');
}

/** Requires the second factor of a user who has just proven the password. Users without a second factor pass. */
export async function requireFactorBesidePassword(context: MethodContext, userId: string): Promise<void> {
	await requireFactorOfCall(context, userId, 'never');
}

/**
 * Requires the second factor of a user who logs in with the right password. Must be called within `attemptWithFactor`.
 */
export async function requireFactorAtLogin(
	context: MethodContext,
	userId: string,
	sent: SecondFactor | null,
): Promise<void> {
	await requireFactor(context, userId, { sent, hashedToken: null, askPassword: 'never' });
}
