/**
 * The reset of a user's identity keys (`test/contract/rocketchat-e2e.md` 5.5), for a user who has forgotten the
 * passphrase. Unlike Rocket.Chat's, it discards no room key: the user's room keys are archived.
 */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { archiveKeysEverywhere, dropIdentity } from '../keys/identityKeys.js';
import { isLastHolderAnywhere, requireConfirmation } from '../keys/keyHolders.js';
import { dequeueEverywhere, enqueueEverywhere } from '../keys/queue.js';
import { hasIdentity } from '../keys/usersWithIdentity.js';
import { factorSettings } from '../settings/factors.js';
import { requireFactorOrPassword, requireSecondFactor } from '../users/secondFactor.js';
import { revokeOtherTokens } from '../users/tokens.js';

/** The answer of a reset; undefined unless a room lost its last key holder. */
export type ResetResult = { lastKeyHolder: true } | undefined;

/**
 * Removes the identity keys of a user, archives their room keys, removes them from all queues and ends all their
 * logins. The first write sets a marker, and the last removes it: a repeated call after a crash completes the work. The
 * second factor is checked last, because a code can be used only once.
 * @param confirm whether the caller knows that rooms may lose their last holder (`test/contract/beyond.md` E11)
 * @throws ClientError `error-invalid-user` where there is no such user; `error-not-allowed` for a user of another
 * server, or for another user where a setting forbids it; `error-last-key-holder`, `totp-required` and the like;
 * nothing has been written then
 */
export async function resetIdentity(context: MethodContext, userId: string, confirm?: boolean): Promise<ResetResult> {
	const { store, events, settings } = context;
	// Contract 6: the keys of another user may be reset only if an admin without a second factor can prove the password
	// instead.
	if (userId !== context.userId && (await factorSettings(store)).passwordFallback === false)
		throw clientError('actionNotAllowed');
	const user = await store.users.findOne({ _id: userId }, { projection: { federated: 1 } });
	if (!user) throw clientError('invalidUser');
	if (user.federated) throw clientError('federatedUser', { function: 'resetTOTP' });
	if (settings.confirmLastKeyHolder && (await isLastHolderAnywhere(store, userId)))
		requireConfirmation(context, confirm);
	await (settings.identitySecondFactor ? requireFactorOrPassword(context) : requireSecondFactor(context));

	const marker = await dropIdentity(context, userId);
	events.emit('notify', { stream: 'notify-user', eventName: `${userId}/force_logout`, args: [] });
	const lastKeyHolder = await archiveKeysEverywhere(context, userId);
	await dequeueEverywhere(store, userId);
	// A user who has stored new keys meanwhile may have been removed from queues by mistake.
	if (await hasIdentity(store, userId)) await enqueueEverywhere(store, userId);
	await endLogins(context, userId, marker);
	return lastKeyHolder ? { lastKeyHolder } : undefined;
}

/** Ends all logins of the user. The same write removes the marker, unless another call has replaced it. */
async function endLogins(context: MethodContext, userId: string, marker: Date): Promise<void> {
	// Otherwise the caller's connection would be closed before it receives the answer.
	if (context.userId === userId && context.connection && !context.signal.aborted) await context.setUserId(null);
	const dropMark = { $unset: { e2eRekeying: 1 } } as const;
	const options = { silent: true };
	const done = await revokeOtherTokens(context, userId, null, { e2eRekeying: marker }, dropMark, options);
	if (!done) await revokeOtherTokens(context, userId, null);
}
