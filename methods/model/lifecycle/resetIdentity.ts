/**
 * The reset of a user's identity keys (`test/contract/rocketchat-e2e.md` 5.5), for a user who has forgotten the
 * passphrase of the private key. Rocket.Chat discards the user's room keys. Roomkey archives them: it keeps them as former
 * keys.
 */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { archiveKeysEverywhere, removeIdentity } from '../keys/identityKeys.js';
import { isLastHolderAnywhere, requireConfirmation } from '../keys/keyHolders.js';
import { dequeueEverywhere, enqueueEverywhere } from '../keys/queue.js';
import { factorSettings } from '../settings/factors.js';
import { revokeTokensOf } from '../users/revokeTokens.js';
import { requireProof, requireProofIfConfigured } from '../users/secondFactor.js';

/** The answer of a reset; undefined unless a room lost its last key holder. */
export type ResetResult = { lastKeyHolder: true } | undefined;

/**
 * Removes the identity keys of a user, archives their room keys, removes the user from the members who wait for the key of
 * any room, and ends all the user's logins. The first write sets a marker in the user document, and the last removes it, so
 * that after a crash a repeated call completes the work. The second factor is checked after all other conditions, because a
 * code can be used only once.
 * @param confirm true: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11)
 * @throws ClientError `error-invalid-user` if the user does not exist; `error-not-allowed` for a federated user, and for
 * any user but the caller if a setting forbids it; `error-last-key-holder` without a
 * confirmation; `totp-required` and the other errors of second
 * factors. In these cases no key was changed
 */
export async function resetIdentity(context: MethodContext, userId: string, confirm?: boolean): Promise<ResetResult> {
	const { store, events, settings } = context;
	// `test/contract/rocketchat-e2e.md` 6: where the setting of the password fallback is off, users may only reset their own
	// keys. Where the setting is undefined, this rule does not apply.
	const isOwn = userId === context.userId;
	const { passwordFallback } = await factorSettings(store);
	if (!isOwn && passwordFallback === false) throw clientError('errorNotAllowed');
	const user = await store.users.findOne({ _id: userId }, { projection: { federated: 1 } });
	if (!user) throw clientError('invalidUser');
	context.audit({ userId });
	// The error has Rocket.Chat's text and details, which name TOTP, although this call does not reset TOTP.
	if (user.federated) throw clientError('federatedUser', { function: 'resetTOTP' });
	await requireConfirmation(context, confirm, () => isLastHolderAnywhere(store, userId));
	if (settings.identitySecondFactor) await requireProof(context);
	else await requireProofIfConfigured(context);
	const marker = await removeIdentity(context, userId);
	events.emit('notify', { stream: 'notify-user', eventName: `${userId}/force_logout`, args: [] });
	const lostLastHolder = await archiveKeysEverywhere(context, userId);
	await dequeueEverywhere(store, userId);
	// A user who has stored new identity keys since `removeIdentity` waits for room keys again, but `dequeueEverywhere` has
	// removed the user. Does nothing for a user without identity keys.
	await enqueueEverywhere(store, userId);
	await endLogins(context, userId, marker);
	return lostLastHolder ? { lastKeyHolder: true } : undefined;
}

/** Ends all logins of the user. The same write removes the marker, unless another call has set a newer one. */
async function endLogins(context: MethodContext, userId: string, marker: Date): Promise<void> {
	// The caller is logged out first. Otherwise the end of the login would close the connection before the answer is sent.
	if (context.userId === userId && context.connection && !context.signal.aborted) await context.setUserId(null);
	const removeMarker = { $unset: { e2eRekeying: 1 } } as const;
	const condition = { e2eRekeying: marker };
	const markerMatched = await revokeTokensOf(context, userId, { condition, changes: removeMarker, silent: true });
	if (!markerMatched) await revokeTokensOf(context, userId);
}
