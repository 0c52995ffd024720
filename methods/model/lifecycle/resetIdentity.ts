/**
 * The reset of a user's identity keys (`test/contract/rocketchat-e2e.md` 5.5), for a user who has forgotten the
 * passphrase of the private key. Rocket.Chat discards the user's room keys; Roomkey archives them.
 */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { archiveKeysEverywhere, dropIdentity } from '../keys/identityKeys.js';
import { isLastHolderAnywhere, requireConfirmation } from '../keys/keyHolders.js';
import { dequeueEverywhere, enqueueEverywhere } from '../keys/queue.js';
import { factorSettings } from '../settings/factors.js';
import { requireFactorOrPassword, requireSecondFactor } from '../users/secondFactor.js';
import { revokeOtherTokens } from '../users/tokens.js';

/** The answer of a reset; undefined unless a room lost its last key holder. */
export type ResetResult = { lastKeyHolder: true } | undefined;

/**
 * Removes the identity keys of a user, archives their room keys, removes the user from all queues, and ends all
 * the user's logins. The first write sets a marker in the user document, and the last removes it, so that after a crash a
 * repeated call completes the work. The second factor is checked after all other conditions, because a code can be used
 * only once.
 * @param confirm true: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11)
 * @throws ClientError `error-invalid-user` if the user does not exist; `error-not-allowed` for a user of another server,
 * or for another user than the caller if a setting forbids it; `error-last-key-holder`, `totp-required` and the other
 * errors of second factors. Nothing was written in these cases
 */
export async function resetIdentity(context: MethodContext, userId: string, confirm?: boolean): Promise<ResetResult> {
	const { store, events, settings } = context;
	// `test/contract/rocketchat-e2e.md` 6: if the settings do not let admins without a second factor prove their password
	// instead, nobody may reset the keys of another user.
	if (userId !== context.userId && (await factorSettings(store)).passwordFallback === false)
		throw clientError('actionNotAllowed');
	const user = await store.users.findOne({ _id: userId }, { projection: { federated: 1 } });
	if (!user) throw clientError('invalidUser');
	if (user.federated) throw clientError('federatedUser', { function: 'resetTOTP' });
	await requireConfirmation(context, confirm, () => isLastHolderAnywhere(store, userId));
	await (settings.identitySecondFactor ? requireFactorOrPassword(context) : requireSecondFactor(context));

	const marker = await dropIdentity(context, userId);
	events.emit('notify', { stream: 'notify-user', eventName: `${userId}/force_logout`, args: [] });
	const lostLastHolder = await archiveKeysEverywhere(context, userId);
	await dequeueEverywhere(store, userId);
	// If the user has stored new identity keys meanwhile, `dequeueEverywhere` has removed them by mistake.
	await enqueueEverywhere(store, userId);
	await endLogins(context, userId, marker);
	return lostLastHolder ? { lastKeyHolder: true } : undefined;
}

/** Ends all logins of the user. The same write removes the marker, unless another call has set a newer one. */
async function endLogins(context: MethodContext, userId: string, marker: Date): Promise<void> {
	// The caller is logged out first. Otherwise the end of the login would close the connection before the answer is sent.
	if (context.userId === userId && context.connection && !context.signal.aborted) await context.setUserId(null);
	const removeMarker = { $unset: { e2eRekeying: 1 } } as const;
	const options = { silent: true };
	const markerMatched = await revokeOtherTokens(context, userId, null, { e2eRekeying: marker }, removeMarker, options);
	if (!markerMatched) await revokeOtherTokens(context, userId, null);
}
