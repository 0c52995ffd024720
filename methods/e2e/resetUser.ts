/**
 * The reset of a user's identity keys (`test/contract/rocketchat-e2e.md` 5.5), for whoever has forgotten the passphrase. Unlike
 * Rocket.Chat's it drops no room key: what the user held is kept among the old keys, as far as they can still read it.
 */
import { clientError } from '../../shared/errors.js';
import type { MethodContext } from '../../shared/method.js';
import { requireConfirmation } from '../model/keys/holders.js';
import { hasIdentity } from '../model/keys/identities.js';
import { dropIdentity } from '../model/keys/identity.js';
import { emptyPlaces, isLastHolderAnywhere, leaveQueues } from '../model/keys/ownMemberships.js';
import { enqueueEverywhere } from '../model/keys/queue.js';
import { factorSettings } from '../model/settings/factors.js';
import { requireFactorOrPassword, requireSecondFactor } from '../model/users/secondFactor.js';
import { revokeOtherTokens } from '../model/users/tokens.js';

/** What a reset answers: something only where it cost a room its last holder. */
export type ResetResult = { lastKeyHolder: true } | undefined;

/**
 * Takes away the identity keys of a user, empties their places, takes them out of all queues and ends all their logins.
 * The first write marks what is under way, the last takes the mark away: repeated after a crash, it does the rest. The
 * caller proves their second factor after all that can be refused without it: a code is good once.
 * @param confirm whether the caller knows that rooms may lose their last holder (`test/contract/beyond.md` E11)
 * @throws ClientError `error-invalid-user` where there is no such user, `error-not-allowed` for one of another server, and
 * for others where a setting says so, `error-last-key-holder`, `totp-required` and the like; nothing has been written then
 */
export async function resetUser(context: MethodContext, userId: string, confirm?: boolean): Promise<ResetResult> {
	const { store, events, name, settings } = context;
	// Contract 6: others may be reset only where a password stands in for the second factor that an admin may lack.
	if (userId !== context.userId && (await factorSettings(store)).passwordFallback === false)
		throw clientError('actionNotAllowed', { method: name });
	const user = await store.users.findOne({ _id: userId }, { projection: { federated: 1 } });
	if (!user) throw clientError('invalidUser', { method: name });
	if (user.federated) throw clientError('federatedUser', { function: 'resetTOTP' });
	if (settings.confirmLastKeyHolder && (await isLastHolderAnywhere(store, userId)))
		requireConfirmation(context, confirm);
	await (settings.identitySecondFactor ? requireFactorOrPassword(context) : requireSecondFactor(context));

	const mark = await dropIdentity(context, userId);
	events.emit('notify', { stream: 'notify-user', eventName: `${userId}/force_logout`, args: [] });
	const lastKeyHolder = await emptyPlaces(context, userId);
	await leaveQueues(context, userId);
	// Who has stored new keys in that time may have been taken out of queues for good reason to be in.
	if (await hasIdentity(store, userId)) await enqueueEverywhere(context, userId);
	await endLogins(context, userId, mark);
	return lastKeyHolder ? { lastKeyHolder } : undefined;
}

/** Ends all logins of the user, and takes away the mark in the same write, unless it has become another's. */
async function endLogins(context: MethodContext, userId: string, mark: Date): Promise<void> {
	// The connection that asks would be closed before it had its answer.
	if (context.userId === userId && context.connection && !context.signal.aborted) await context.setUserId(null);
	const done = await revokeOtherTokens(context, userId, null, { e2eRekeying: mark }, { $unset: { e2eRekeying: 1 } });
	if (!done) await revokeOtherTokens(context, userId, null);
}
