/** Who calls over REST: headers `X-User-Id` and `X-Auth-Token` (`test/contract/rocketchat-e2e.md` 7.2). */
import type { IncomingHttpHeaders } from 'node:http';
import { findTokenHolder, hashToken } from '../../methods/model/users/tokens.js';
import type { Caller } from '../core/caller.js';
import type { Services } from '../core/invocation.js';

export interface Identity extends Pick<Caller, 'userId' | 'hashedToken'> {
	/** True for a user without user name, who may do next to nothing here (7.2). */
	readonly withoutUsername: boolean;
}

/** Someone not logged in. */
export const ANYONE: Identity = { userId: null, hashedToken: null, withoutUsername: false };

/**
 * Finds whose credentials these are.
 * @returns null where they are missing, wrong or have run out
 */
export async function authenticate(headers: IncomingHttpHeaders, services: Services): Promise<Identity | null> {
	const userId = headers['x-user-id'];
	const token = headers['x-auth-token'];
	if (typeof userId !== 'string' || typeof token !== 'string' || userId === '' || token === '') return null;
	const hashedToken = hashToken(token);
	const holder = await findTokenHolder(services, hashedToken, userId);
	if (holder === 'unknown' || holder === 'expired') return null;
	return { userId, hashedToken, withoutUsername: !holder.user.username };
}
