/**
 * The second factor (`test/contract/rocketchat-e2e.md` 7.5): Roomkey requires a second factor of the same users as
 * Rocket.Chat, because its tokens are also valid for a Rocket.Chat server on the same database.
 */

import type { User } from '../../../shared/documents.js';
import { type ClientError, clientError } from '../../../shared/errors.js';
import type { MethodContext, SecondFactor } from '../../../shared/method.js';
import { type FactorSettings, factorSettings } from '../settings/factors.js';
import { codesOf, useEmailCode, type Verdict } from './emailCodes.js';
import { isPasswordDigest } from './passwords.js';

/** Projection of the user fields that a check needs. */
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

export type FactorName = 'totp' | 'email' | 'password';

/**
 * Thrown inside an attempt if a code is missing. It is not a client error, so the attempt is not counted as a wrong guess.
 * It is thrown, so the attempt is not a success either.
 */
class CodeMissing extends Error {
	constructor(readonly error: ClientError) {
		super(error.message);
	}
}

/** Replaces a thrown `CodeMissing` by the client error that it contains. */
async function unwrapCodeMissing<T>(outcome: Promise<T>): Promise<T> {
	try {
		return await outcome;
	} catch (thrown) {
		throw thrown instanceof CodeMissing ? thrown.error : thrown;
	}
}

/**
 * Runs a check of a password and a second factor as a limited attempt. A correct password without a code leaves the
 * failure counter unchanged.
 * @param account the key that the attempt is counted under
 */
export function attemptWithFactor<T>(context: MethodContext, account: string, run: () => Promise<T>): Promise<T> {
	return unwrapCodeMissing(context.attempt(account, run));
}

/** The second factors that the user has set up, the preferred one first. */
function availableFactors({ emails, services }: User, { byTotp, byEmail }: FactorSettings): FactorName[] {
	const names: FactorName[] = [];
	if (byTotp && services?.totp?.enabled === true) names.push('totp');
	const hasMail = emails?.some(({ verified }) => verified);
	if (byEmail && services?.email2fa?.enabled === true && hasMail) names.push('email');
	return names;
}

/** Whether the caller's token is a personal access token that was created to bypass second factors. */
function bypasses({ services }: User, hashedToken: string | null): boolean {
	const token = services?.resume?.loginTokens?.find((entry) => entry.hashedToken === hashedToken);
	return token?.bypassTwoFactor === true;
}

async function tryCode(
	{ store }: MethodContext,
	user: User,
	name: FactorName,
	code: string,
	settings: FactorSettings,
): Promise<Verdict> {
	const { totp = {}, emailCode, password } = user.services ?? {};
	const verdict = (right: boolean): Verdict => (right ? 'right' : 'wrong');
	if (name === 'totp') {
		const { useTotpCode } = await import('./totp.js');
		return verdict(await useTotpCode(store, user._id, totp, code, settings.maxDelta));
	}
	if (name === 'email') return useEmailCode(store, user._id, emailCode, code, settings.maxEmailAttempts);
	return verdict(await isPasswordDigest(code, password?.bcrypt));
}

/**
 * The key that attempts are counted under. Codes are counted separately from passwords, so that a correct password does
 * not reset the count of wrong codes.
 */
function accountOf(name: FactorName, userId: string): string {
	return name === 'password' ? userId : `second factor of ${userId}`;
}

interface FactorRequest {
	/** The second factor that the caller sent; null if none was sent. */
	readonly factor: SecondFactor | null;
	/** Hash of the caller's token, which may make a second factor unnecessary; null without one. */
	readonly hashedToken: string | null;
	/**
	 * Whether users without a second factor must prove their password. True: if the settings require it; false: never;
	 * `always`: regardless of the settings.
	 */
	readonly orPassword: boolean | 'always';
}

/**
 * Checks the second factor of a user, if the settings and the request require one.
 * @returns the kind of proof; null if none was required
 * @throws CodeMissing if a code is required and missing; ClientError if it is wrong
 */
async function requireFactor(
	context: MethodContext,
	userId: string,
	{ factor, hashedToken, orPassword }: FactorRequest,
): Promise<FactorName | null> {
	const settings = await factorSettings(context.store);
	if (!settings.enabled && orPassword !== 'always') return null;
	const user = await context.store.users.findOne({ _id: userId }, { projection: FACTOR_FIELDS });
	if (!user) throw clientError('invalidUser');
	if (bypasses(user, hashedToken)) return null;
	const availableMethods = settings.enabled ? availableFactors(user, settings) : [];
	const hasPassword = user.services?.password?.bcrypt !== undefined;
	const asksPassword = orPassword === 'always' || (orPassword && settings.passwordFallback);
	const fallback = asksPassword && hasPassword ? 'password' : undefined;
	const method = availableMethods.find((name) => name === factor?.method) ?? availableMethods[0] ?? fallback;
	if (!method) return null;
	const [mailedCode] = method === 'email' ? codesOf(user.services?.emailCode) : [];
	const details = {
		method,
		codeGenerated: false,
		...(mailedCode && { codeExpires: mailedCode.expire.toISOString() }),
		availableMethods,
	};
	if (!factor?.code) throw new CodeMissing(clientError('totpRequired', details));
	await context.attempt(accountOf(method, userId), async () => {
		const verdict = await tryCode(context, user, method, factor.code, settings);
		if (verdict !== 'right') throw clientError(verdict === 'wrong' ? 'totpInvalid' : 'totpMaxAttempts', details);
	});
	return method;
}

/** Checks the second factor that came with this call. Not to be used within `attemptWithFactor`. */
function requireFactorOfCall(
	context: MethodContext,
	userId: string,
	orPassword: FactorRequest['orPassword'],
): Promise<FactorName | null> {
	const { secondFactor: factor, hashedToken } = context;
	return unwrapCodeMissing(requireFactor(context, userId, { factor, hashedToken, orPassword }));
}

/**
 * Requires the caller's second factor; or their password, if they have none and the settings require it.
 * @throws ClientError `totp-required`, `totp-invalid`, `totp-max-attempts`, `too-many-requests`
 */
export async function requireSecondFactor(context: MethodContext): Promise<void> {
	if (context.userId === null) throw clientError('invalidUser');
	await requireFactorOfCall(context, context.userId, true);
}

/**
 * Requires the caller's second factor or, if they have none, their password, regardless of the settings.
 * @returns the kind of proof; null for a user who has no second factor and no password, and for a token that bypasses both
 * @throws ClientError as `requireSecondFactor` does
 */
export async function requireFactorOrPassword(context: MethodContext): Promise<FactorName | null> {
	if (context.userId === null) throw clientError('invalidUser');
	return requireFactorOfCall(context, context.userId, 'always');
}

/** Requires the second factor of a user who has just proven the password. Users without a second factor pass. */
export async function requireFactorBesidePassword(context: MethodContext, userId: string): Promise<void> {
	await requireFactorOfCall(context, userId, false);
}

/**
 * Requires the second factor of a user who logs in with the right password. Must be called within `attemptWithFactor`.
 * @param factor the second factor that came with the login
 */
export async function requireFactorAtLogin(
	context: MethodContext,
	userId: string,
	factor: SecondFactor | null,
): Promise<void> {
	await requireFactor(context, userId, { factor, hashedToken: null, orPassword: false });
}
