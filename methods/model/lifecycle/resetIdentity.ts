/**
 * The reset of a user's identity keys (`test/contract/rocketchat-e2e.md` 5.5), after the passphrase was forgotten.
 * Rocket.Chat discards the user's room keys, but Roomkey keeps them as former keys.
 */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { archiveKeysEverywhere, removeIdentity } from '../keys/identityKeys.js';
import { isLastHolderAnywhere, requireConfirmation } from '../keys/keyHolders.js';
import { dequeueEverywhere, enqueueEverywhere } from '../keys/queue.js';
import { factorSettings } from '../settings/factors.js';
import { revokeTokensOf } from '../users/revokeTokens.js';
import { requireProof, requireProofIfConfigured } from '../users/secondFactor.js';

/** Undefined unless a room has lost its last key holder. */
export type ResetResult = { lastKeyHolder: true } | undefined;

/**
 * Removes the identity keys of a user, archives the room keys, and ends all logins of the user. After a crash, a
 * repeated call completes the work. The second factor comes after all other conditions, because a code can be used only
 * once.
 * @param confirm true: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11)
 * @throws ClientError `error-invalid-user` if the user does not exist; `error-not-allowed` for a federated user, and
 * for any user but the caller if a setting forbids it; `error-last-key-holder` without a confirmation; `totp-required`
 * and the other errors of second factors. In these cases no key was changed
 */
export async function resetIdentity(context: MethodContext, userId: string, confirm?: boolean): Promise<ResetResult> {
	const { store, events, settings } = context;
	// `test/contract/rocketchat-e2e.md` 6: with the password fallback switched off, users may reset only their own keys.
	const isOwn = userId === context.userId;
	const { passwordFallback } = await factorSettings(store);
	if (!isOwn && passwordFallback === false) throw clientError('errorNotAllowed');
	const user = await store.users.findOne({ _id: userId }, { projection: { federated: 1 } });
	if (!user) throw clientError('invalidUser');
	context.audit({ userId });
	// Rocket.Chat's text and details of this error name TOTP.
	if (user.federated) throw clientError('federatedUser', { function: 'resetTOTP' });
	await requireConfirmation(context, confirm, () => isLastHolderAnywhere(store, userId));
	if (settings.identitySecondFactor) await requireProof(context);
	else await requireProofIfConfigured(context);
	const marker = await removeIdentity(context, userId);
	events.emit('notify', { stream: 'notify-user', eventName: `${userId}/force_logout`, args: [] });
	const lostLastHolder = await archiveKeysEverywhere(context, userId);
	await dequeueEverywhere(store, userId);
	// The user may have stored new identity keys since `removeIdentity`, and then waits for room keys again.
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
